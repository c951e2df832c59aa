/**
 * An entry in an access map of a mail server: in a marked section of the map's source, everything else byte for byte as it
 * was; then the map is built by its own tool and asked whether it answers so.
 */
import { Fault } from '../model/fault.ts';
import { firewallSubject, isTooWide } from '../model/firewall.ts';
import type { Memory } from '../model/receipt.ts';
import type { CarryOut, FileFacts, SeenFile } from '../model/verb.ts';
import { mapFormat, mapFormatNames } from '../servers/access-map.ts';
import type { MapFormat } from '../servers/access-map.ts';
import {
  isSectionBroken,
  outsideSection,
  sectionLines,
  sectionNote,
  withSection,
} from '../servers/edits/marked-section.ts';
import type { Act, Plan } from './act.ts';
import { digestOf } from './file-before.ts';
import { answerOf, rebuild } from './rebuild.ts';

export type AccessWanted = {
  /** `postfix-hash`, `sendmail-hash`, … */
  readonly format: string;
  /** The map's source, without `.db`. */
  readonly path: string;
  readonly subject: string;
  /** Sendmail: Connect, ClientRate, ClientConn, GreetPause. */
  readonly tag: string;
  /** What the map answers; undefined: a refusal. */
  readonly value: string | undefined;
};

type Remembered = {
  readonly format: string;
  readonly path: string;
  readonly subject: string;
  readonly key: string;
  readonly value: string;
};
/** `plan` below made it. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const remembered = (memory: Memory): Remembered => memory as Remembered;

const sourceBytesMax = 8 * 1024 * 1024;
const valueLengthMax = 400;

const formatOf = (name: string): MapFormat => {
  const format = mapFormat(name);
  if (format === undefined) throw new Fault('USAGE', `there is no map format ${name}: ${mapFormatNames.join(', ')}`);
  return format;
};

const textOf = (seen: SeenFile | undefined): string => Buffer.from(seen?.bytes ?? []).toString('latin1');
const refuse = (text: string): never => {
  throw new Fault('REFUSED_FOR_SAFETY', text);
};

const readSource = async (path: string, carryOut: CarryOut): Promise<SeenFile | undefined> => {
  const seen = await carryOut({ verb: 'read-file', path });
  const text = textOf(seen);
  if (text.length > sourceBytesMax) return refuse(`${path} is larger than ${sourceBytesMax} bytes`);
  if (text.includes('\0')) return refuse(`${path} is no text: name the source of the map, not the built one`);
  if (isSectionBroken(text))
    return refuse(`${path}: Postern's section in it has lost its end ("# postern end"): mend it by hand`);
  return seen;
};

/** Noted in the section itself, which the first entry makes and the last one takes away: they end in any order. */
const noFile = 'there was no file';
const noteOf = (seen: SeenFile | undefined): string =>
  seen === undefined ? noFile : `the file was ${digestOf(textOf(seen))} of ${seen.facts.modifiedNs} ns`;

/** The section without our key, and with it again when there is a value. */
const changed = (seen: SeenFile | undefined, format: MapFormat, key: string, value: string | undefined): string => {
  const text = textOf(seen);
  const others = sectionLines(text).filter((line) => format.keyIn(line) !== key);
  const lines = value === undefined ? others : [...others, format.lineOf(key, value)];
  return withSection(text, lines, format.atTop, noteOf(seen));
};

/** The facts of the file before there was a section; undefined while there is one, or when somebody has edited it since. */
const factsBefore = (seen: SeenFile, next: string): FileFacts | undefined => {
  const note = sectionNote(textOf(seen)) ?? '';
  const [, digest, modifiedNs] = /^the file was ([0-9a-f]{32}) of (\d{1,19}) ns$/.exec(note) ?? [];
  return modifiedNs === undefined || digest !== digestOf(next) ? undefined : { ...seen.facts, modifiedNs };
};

/** @throws Fault when it is no answer of a map, or the map cannot hold the subject */
const entryOf = (wanted: AccessWanted): { format: MapFormat; subject: string; key: string; value: string } => {
  const format = formatOf(wanted.format);
  const isAddress6 = wanted.subject.includes(':') && !wanted.subject.includes('/');
  const subject = firewallSubject(isAddress6 ? `${wanted.subject}/128` : wanted.subject);
  if (subject === undefined) throw new Fault('USAGE', `${wanted.subject}: expected an address or a network`);
  if (isTooWide(subject, 'block')) return refuse(`${subject} is too wide: name smaller networks`);
  const key = format.keyOf(subject, wanted.tag);
  if (key === undefined)
    throw new Fault(
      'USAGE',
      `a ${wanted.format} map cannot hold ${wanted.tag} ${subject}: whole octets, or a cidr map`,
    );
  const value = wanted.value ?? format.usualValue;
  if (value.length > valueLengthMax || !/^[ -~]+$/.test(value))
    throw new Fault('USAGE', 'the answer of a map is one short line of ASCII');
  return { format, subject, key, value };
};

const refuseIfWritten = (path: string, source: string, format: MapFormat, key: string): void => {
  const line = source.split('\n').find((each) => format.keyIn(each)?.toLowerCase() === key.toLowerCase());
  if (line !== undefined)
    refuse(`${path} has an entry for ${key} that somebody wrote (${line}): Postern leaves it alone`);
};

const readBuilt = async (path: string, { builtEnding }: MapFormat, carryOut: CarryOut): Promise<SeenFile | undefined> =>
  builtEnding === '' ? undefined : carryOut({ verb: 'read-file', path: `${path}${builtEnding}` });

const plan = async (wanted: AccessWanted, carryOut: CarryOut): Promise<Plan> => {
  const { path } = wanted;
  const { format, subject, key, value } = entryOf(wanted);
  const [protection] = await carryOut({ verb: 'who-protects', subjects: [subject] });
  if (protection !== undefined) return refuse(`${subject} is not refused: ${protection.network} is ${protection.why}`);
  const seen = await readSource(path, carryOut);
  if (seen === undefined && (await readBuilt(path, format, carryOut)) !== undefined)
    return refuse(`${path}${format.builtEnding} stands there without its source ${path}: name the source`);
  refuseIfWritten(path, outsideSection(textOf(seen)), format, key);
  if (seen !== undefined) await carryOut({ verb: 'replace-file', path, expected: seen.bytes, content: seen.bytes });
  const tool = format.rebuild?.(path, '');
  return {
    subject: `${path} ${key}`,
    lines: [
      `${path}: ${format.lineOf(key, value).replace('\t', ' ')}`,
      ...(tool === undefined ? [] : [`${tool.program} ${tool.args.join(' ')}`]),
      ...(format.build === undefined ? [] : [`${path}${format.builtEnding} is built of it`]),
    ],
    memory: { format: wanted.format, path, subject, key, value },
  };
};

const put = async (memory: Remembered, value: string | undefined, carryOut: CarryOut): Promise<void> => {
  const { path, key } = memory;
  const format = formatOf(memory.format);
  const seen = await readSource(path, carryOut);
  const text = textOf(seen);
  const next = changed(seen, format, key, value);
  const isGone = next === '' && sectionNote(text) === noFile;
  const facts = seen && factsBefore(seen, next);
  if (next !== text)
    await carryOut({
      verb: 'replace-file',
      path,
      expected: seen?.bytes,
      content: isGone ? undefined : Buffer.from(next, 'latin1'),
      ...(facts === undefined ? {} : { facts }),
    });
  const isNone = isGone || (seen === undefined && next === '');
  return isNone ? removeBuilt(path, format, carryOut) : rebuild(format, path, next, carryOut);
};

/** The map was made by our entry alone: what was built from it goes too. */
const removeBuilt = async (path: string, format: MapFormat, carryOut: CarryOut): Promise<void> => {
  const seen = await readBuilt(path, format, carryOut);
  const built = `${path}${format.builtEnding}`;
  if (seen !== undefined)
    await carryOut({ verb: 'replace-file', path: built, expected: seen.bytes, content: undefined });
};

const holds = async (memory: Remembered, carryOut: CarryOut): Promise<boolean> => {
  const { path, key, value, subject } = memory;
  const format = formatOf(memory.format);
  const text = textOf(await readSource(path, carryOut));
  if (!sectionLines(text).includes(format.lineOf(key, value))) return false;
  if (format.build === undefined)
    return format.probe === undefined || (await answerOf(format, path, subject, key, carryOut)) === value;
  const built = await readBuilt(path, format, carryOut);
  return built !== undefined && Buffer.compare(built.bytes, format.build(text)) === 0;
};

export const accessEntry: Act<AccessWanted> = {
  kind: 'access-entry',
  drifts: 'watched',
  renews: true,
  plan,
  carry: (memory, carryOut) => put(remembered(memory), remembered(memory).value, carryOut),
  verify: async (memory, carryOut) => {
    const took = await holds(remembered(memory), carryOut);
    const { path, key } = remembered(memory);
    return { took, text: took ? `${path} answers for ${key}` : `${path} does not answer for ${key}` };
  },
  undo: async (memory, carryOut) => {
    await put(remembered(memory), undefined, carryOut);
    return '';
  },
};
