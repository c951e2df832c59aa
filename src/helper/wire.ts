/** Verbs and answers between the guard and the helper: one JSON document a line, bytes in base64. Every verb is checked. */
import { faultCodes } from '../model/fault.ts';
import type { FaultCode } from '../model/fault.ts';
import { accountDeeds, hangUpDaemons, programs } from '../model/verb.ts';
import type { FileFacts, Verb } from '../model/verb.ts';

/** A file of 64 MiB, twice (expected and content), in base64. */
export const lineBytesMax = 200 * 1024 * 1024;
const subjectsMax = 100_000;

const bytesKey = '$bytes';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

/** Before JSON.stringify sees them: it would ask a Buffer for its own form, which is a list of numbers. */
const packed = (value: unknown): unknown => {
  if (value instanceof Uint8Array)
    return { [bytesKey]: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
  if (Array.isArray(value)) return value.map(packed);
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, packed(item)])) : value;
};

export const encode = (value: unknown): string => JSON.stringify(packed(value));

/** @returns undefined when the line is no JSON */
export const decode = (line: string): unknown => {
  try {
    return JSON.parse(line, (_key, item: unknown) => {
      if (!isObject(item)) return item;
      const bytes = item[bytesKey];
      return typeof bytes === 'string' && Object.keys(item).length === 1 ? Buffer.from(bytes, 'base64') : item;
    });
  } catch {
    return undefined;
  }
};

const isText = (value: unknown): value is string => typeof value === 'string';
const areTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const areBytes = (value: unknown): value is Uint8Array | undefined =>
  value === undefined || value instanceof Uint8Array;
const isId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32;

const factsIn = (value: unknown): FileFacts | undefined => {
  if (!isObject(value)) return undefined;
  const { mode, uid, gid, modifiedNs, accessedNs } = value;
  if (!isId(mode) || mode > 0o7777 || !isId(uid) || !isId(gid) || !isText(modifiedNs) || !isText(accessedNs))
    return undefined;
  return /^\d{1,19}$/.test(modifiedNs) && /^\d{1,19}$/.test(accessedNs)
    ? { mode, uid, gid, modifiedNs, accessedNs }
    : undefined;
};

type Fields = Readonly<Record<string, unknown>>;

const replaceIn = ({ path, expected, content, facts }: Fields): Verb | undefined => {
  const known = factsIn(facts);
  if (!isText(path) || !areBytes(expected) || !areBytes(content) || (facts !== undefined && known === undefined))
    return undefined;
  return { verb: 'replace-file', path, expected, content, ...(known === undefined ? {} : { facts: known }) };
};

const runIn = ({ program, args, input, timeoutMs }: Fields): Verb | undefined => {
  const known = programs.find((name) => name === program);
  if (known === undefined || !areTexts(args)) return undefined;
  if (!(input === undefined || isText(input)) || !(timeoutMs === undefined || isId(timeoutMs))) return undefined;
  return {
    verb: 'run',
    program: known,
    args,
    ...(input === undefined ? {} : { input }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
};

const areNotes = (value: unknown): value is readonly (readonly [string, string])[] =>
  Array.isArray(value) && value.every((note: unknown) => areTexts(note) && note.length === 2);

const keptIn = (verb: 'remove-kept' | 'restore-kept' | 'keep-files', fields: Fields): Verb | undefined => {
  const { evidence, paths, notes, unlessNoted } = fields;
  if (!isText(evidence) || !areTexts(paths)) return undefined;
  if (verb === 'remove-kept') return { verb, evidence, paths };
  if (verb === 'restore-kept') return isText(unlessNoted) ? { verb, evidence, paths, unlessNoted } : undefined;
  return areNotes(notes) ? { verb, evidence, paths, notes } : undefined;
};

const readers: ReadonlyMap<unknown, (fields: Fields) => Verb | undefined> = new Map([
  ['read-file', ({ path }: Fields): Verb | undefined => (isText(path) ? { verb: 'read-file', path } : undefined)],
  ['replace-file', replaceIn],
  [
    'account-command',
    ({ does, account }: Fields): Verb | undefined => {
      const known = accountDeeds.find((name) => name === does);
      return known !== undefined && isText(account) ? { verb: 'account-command', does: known, account } : undefined;
    },
  ],
  ['run', runIn],
  [
    'hang-up',
    ({ daemon }: Fields): Verb | undefined => {
      const known = hangUpDaemons.find((name) => name === daemon);
      return known === undefined ? undefined : { verb: 'hang-up', daemon: known };
    },
  ],
  [
    'look-files',
    ({ paths, startBytes }: Fields): Verb | undefined =>
      areTexts(paths) && isId(startBytes) ? { verb: 'look-files', paths, startBytes } : undefined,
  ],
  ['keep-files', (fields: Fields): Verb | undefined => keptIn('keep-files', fields)],
  ['remove-kept', (fields: Fields): Verb | undefined => keptIn('remove-kept', fields)],
  ['restore-kept', (fields: Fields): Verb | undefined => keptIn('restore-kept', fields)],
  [
    'who-protects',
    ({ subjects }: Fields): Verb | undefined =>
      areTexts(subjects) && subjects.length <= subjectsMax ? { verb: 'who-protects', subjects } : undefined,
  ],
]);

export type Asked = { readonly id: number; readonly verb: Verb };

/** What the guard asks; undefined for anything that is not exactly one of the verbs. */
export const askedIn = (line: string): Asked | undefined => {
  const document = decode(line);
  if (!isObject(document) || !isId(document['id']) || !isObject(document['verb'])) return undefined;
  const fields = document['verb'];
  const verb = readers.get(fields['verb'])?.(fields);
  return verb === undefined ? undefined : { id: document['id'], verb };
};

export type Answered =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly code: FaultCode; readonly message: string };

const isFaultCode = (value: unknown): value is FaultCode => isText(value) && Object.hasOwn(faultCodes, value);

export const answeredIn = (line: string): Answered | undefined => {
  const document = decode(line);
  if (!isObject(document) || !isId(document['id'])) return undefined;
  const { id, code, message, answer } = document;
  if (isFaultCode(code) && isText(message)) return { id, code, message };
  // JSON has no undefined: in a list it became null.
  return { id, answer: Array.isArray(answer) ? answer.map((item: unknown) => item ?? undefined) : answer };
};
