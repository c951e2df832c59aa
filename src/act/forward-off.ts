/** Switches off what an alias sends to other servers, and keeps its local targets. Undone: its lines are what they were. */
import { Fault } from '../model/fault.ts';
import type { Memory } from '../model/receipt.ts';
import type { CarryOut, SeenFile } from '../model/verb.ts';
import { isOutside, readAliases, switchOff, switchOn, switchedOff } from '../servers/aliases/alias-file.ts';
import type { AliasFormat, AliasRefresh } from '../servers/aliases/alias-file.ts';
import { mapFormat } from '../servers/access-map.ts';
import type { MapFormat } from '../servers/access-map.ts';
import type { Act } from './act.ts';
import { digestOf, factsFor, fileBefore } from './file-before.ts';
import type { FileBefore } from './file-before.ts';
import { answerOf, awaitNextSecond, rebuild } from './rebuild.ts';

export type ForwardWanted = {
  /** The alias as it stands in the file. */
  readonly key: string;
  readonly path: string;
  readonly format: AliasFormat;
  readonly refresh: AliasRefresh;
  readonly localDomains: readonly string[];
};

type Remembered = ForwardWanted & {
  /** Receipts of the first version have none. */
  readonly before?: FileBefore;
};
// `plan` below made it.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const remembered = (memory: Memory): Remembered => memory as unknown as Remembered;

const textOf = ({ bytes }: SeenFile): string => Buffer.from(bytes).toString('latin1');

const read = async (path: string, carryOut: CarryOut): Promise<SeenFile> => {
  const seen = await carryOut({ verb: 'read-file', path });
  if (seen === undefined) throw new Fault('PARTLY_DONE', `${path} is gone`);
  return seen;
};

/** What an alias database may be called after its source. */
const endings = ['.db', '.lmdb', '.cdb'] as const;

/** How maps that are built are built; a reload and an alias database are no maps of that kind. */
const builtAs = (refresh: AliasRefresh): MapFormat | undefined =>
  refresh.kind === 'postmap'
    ? mapFormat(`postfix-${refresh.type}`)
    : refresh.kind === 'makemap'
      ? mapFormat(`sendmail-${refresh.type}`)
      : undefined;

const refreshed = async ({ path, refresh }: ForwardWanted, text: string, carryOut: CarryOut): Promise<void> => {
  if (refresh.kind === 'none') return;
  const format = builtAs(refresh);
  if (format !== undefined) return rebuild(format, path, text, carryOut);
  if (refresh.kind === 'newaliases') for (const ending of endings) await awaitNextSecond(`${path}${ending}`, carryOut);
  const { status, stderr } = await carryOut(
    refresh.kind === 'postmap'
      ? { verb: 'run', program: 'postmap', args: [`${refresh.type}:${path}`] }
      : refresh.kind === 'makemap'
        ? { verb: 'run', program: 'makemap', args: [refresh.type, path], input: text }
        : refresh.kind === 'newaliases'
          ? { verb: 'run', program: 'newaliases', args: [] }
          : { verb: 'run', program: 'postfix', args: ['reload'] },
  );
  if (status !== 0)
    throw new Fault('PARTLY_DONE', `${path} could not be made known: ${stderr.trim().split('\n')[0] ?? ''}`);
};

const put = async (
  wanted: ForwardWanted,
  seen: SeenFile,
  text: string,
  before: FileBefore | undefined,
  carryOut: CarryOut,
): Promise<void> => {
  const content = Buffer.from(text, 'latin1');
  await carryOut({ verb: 'replace-file', path: wanted.path, expected: seen.bytes, content, ...factsFor(text, before) });
  await refreshed(wanted, text, carryOut);
};

/** An alias database cannot be asked without knowing its type: it is older than its source when it was not built after it. */
const isStale = async (path: string, carryOut: CarryOut): Promise<boolean> => {
  const [source, ...built] = await carryOut({
    verb: 'look-files',
    paths: [path, ...endings.map((ending) => `${path}${ending}`)],
    startBytes: 0,
  });
  const modified = BigInt(source?.facts.modifiedNs ?? 0);
  return built.some((seen) => seen !== undefined && BigInt(seen.facts.modifiedNs) < modified);
};

const isOff = (text: string, key: string): boolean =>
  switchedOff(text).some((each) => each.toLowerCase() === key.toLowerCase());

const planLines = ({ key, path, format, localDomains }: ForwardWanted, text: string): readonly string[] => {
  const local = new Set(localDomains);
  const entry = readAliases(text, format).findLast((each) => each.key.toLowerCase() === key.toLowerCase());
  const outside = entry?.targets.filter((target) => isOutside(target, local)) ?? [];
  if (entry === undefined || outside.length === 0) {
    if (isOff(text, key)) return [];
    throw new Fault('USAGE', `${key} sends nothing to other servers in ${path} (postern forwards)`);
  }
  const kept = entry.targets.length - outside.length;
  return [
    `${path}: ${entry.key} no longer sends to ${outside.join(', ')}`,
    kept > 0
      ? `its other ${kept === 1 ? 'target stays' : `${kept} targets stay`}`
      : 'it has no other target: mail for it is refused as unknown until it is on again',
  ];
};

export const forwardOff: Act<ForwardWanted> = {
  kind: 'forward-off',
  drifts: 'watched',
  plan: async (wanted, carryOut) => {
    const seen = await read(wanted.path, carryOut);
    const lines = planLines(wanted, textOf(seen));
    const { key, path, format, refresh, localDomains } = wanted;
    const memory = { key, path, format, refresh: { ...refresh }, localDomains, before: fileBefore(seen) };
    return { subject: key.toLowerCase(), lines, memory };
  },
  carry: async (memory, carryOut) => {
    const wanted = remembered(memory);
    const seen = await read(wanted.path, carryOut);
    const off = switchOff(textOf(seen), wanted.format, wanted.key, new Set(wanted.localDomains));
    if (off === undefined) return refreshed(wanted, textOf(seen), carryOut);
    return put(wanted, seen, off, undefined, carryOut);
  },
  verify: async (memory, carryOut) => {
    const { key, path, format, refresh } = remembered(memory);
    const text = textOf(await read(path, carryOut));
    if (!isOff(text, key)) return { took: false, text: `${key} is not switched off in ${path}` };
    const map = builtAs(refresh);
    if (map === undefined)
      return refresh.kind !== 'none' && refresh.kind !== 'reload' && (await isStale(path, carryOut))
        ? { took: false, text: `${path} was not built anew` }
        : { took: true, text: `switched off in ${path}` };
    const kept = readAliases(text, format).findLast((each) => each.key.toLowerCase() === key.toLowerCase());
    const answer = (await answerOf(map, path, key, key, carryOut)) ?? '';
    const took = answer === (kept?.targets.join(', ') ?? '');
    return { took, text: took ? `switched off in ${path}` : `the map still answers ${answer}` };
  },
  undo: async (memory, carryOut) => {
    const wanted = remembered(memory);
    const seen = await carryOut({ verb: 'read-file', path: wanted.path });
    if (seen === undefined) return `${wanted.path} is gone: there is nothing to put back`;
    const on = switchOn(textOf(seen), wanted.key);
    if (on !== undefined) {
      await put(wanted, seen, on, wanted.before, carryOut);
      return '';
    }
    await refreshed(wanted, textOf(seen), carryOut);
    // Not carried out, or put back already.
    if (wanted.before?.digest === digestOf(textOf(seen))) return '';
    return `${wanted.key} was not switched off in ${wanted.path} any more`;
  },
};
