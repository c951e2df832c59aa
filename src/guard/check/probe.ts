/**
 * Marked sessions: `postern check` speaks to a mail server under a name that only this installation can make. The guard
 * answers one stage of it in words that nobody else would say, or keeps silent there to prove that mail flows on, and
 * writes down at which stages it was asked. What a probe does is no evidence against whoever checks.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault, errorWords } from '../../model/fault.ts';

const start = 'check-';
const end = '.invalid';
const macLength = 16;
const nonceBytes = 5;
const nameLengthMax = 100;
/** Whoever overhears a name can use it no longer than this. */
const lifeMs = 120_000;

/** The doors by which a server asks, as they stand in a name. Dovecot's log cuts an account at 60 letters. */
const hookWords = [
  ['policy', 'policy'],
  ['milter', 'milter'],
  ['readsocket', 'socket'],
  ['authPolicy', 'login'],
  ['gate', 'gate'],
] as const;
export type AskingHook = (typeof hookWords)[number][0];
const wordOf = new Map<AskingHook, string>(hookWords);
const hookNamed = new Map<string, AskingHook>(hookWords.map(([hook, word]) => [word, hook]));

/**
 * What the guard does: refuse at a stage, `open`: keep silent at every stage, `pass`: let all through. A connection has no
 * name yet, so `connect` announces the next one from the same address. `quit` is only listened to.
 */
const kinds = [
  'connect',
  'helo',
  'auth',
  'sender',
  'recipient',
  'data',
  'message',
  'etrn',
  'quit',
  'open',
  'pass',
] as const;
export type ProbeKind = (typeof kinds)[number];

export type Mark = {
  readonly hook: AskingHook | 'any';
  readonly kind: ProbeKind;
  readonly nonce: string;
};

export type Probe = {
  readonly nonce: string;
  /** HELO name, or account. */
  readonly name: string;
  /** What a server that asks and obeys tells the client. */
  readonly words: string;
};

const keyFile = (state: string): string => join(state, 'check.key');

/** The key of the guard that runs there. @throws Fault when none has, or this user may not read it */
export const keyOfGuard = (state: string): Buffer => {
  const file = keyFile(state);
  try {
    return readFileSync(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new Fault(
        'GUARD_NOT_REACHABLE',
        `no guard has run on ${state}: name the state of the one that runs (--state, or its --config)`,
        { cause: error },
      );
    throw new Fault('INPUT_UNREADABLE', `cannot read ${file}: ask as root (sudo), or as the guard's user`, {
      cause: error,
    });
  }
};

const keyBytes = 32;

/**
 * Made at the first start; whoever may read it may have the guard say no to himself. With one that is empty or cut short, as a
 * full disk leaves it, anybody could make names: it is made anew. @param state the state directory. @throws Fault CONFIG
 */
export const probeKey = (state: string): Buffer => {
  const file = keyFile(state);
  try {
    const kept = readFileSync(file);
    if (kept.length === keyBytes) return kept;
  } catch {
    // There is none yet.
  }
  const key = randomBytes(keyBytes);
  try {
    mkdirSync(state, { recursive: true, mode: 0o750 });
    writeFileSync(`${file}.tmp`, key, { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
  } catch (error) {
    const words = errorWords(error);
    throw new Fault('CONFIG', `${file} cannot be made (${words}): look at its disk and its rights`, { cause: error });
  }
  return key;
};

const macOf = (key: Uint8Array, text: string): string =>
  createHmac('sha256', key).update(text).digest('hex').slice(0, macLength);

export const wordsOf = (nonce: string): string => `postern check ${nonce}`;

export const makeProbe = (key: Uint8Array, hook: Mark['hook'], kind: ProbeKind): Probe => {
  const nonce = randomBytes(nonceBytes).toString('hex');
  const text = [hook === 'any' ? hook : (wordOf.get(hook) ?? ''), kind, Date.now().toString(36), nonce].join('-');
  return { nonce, name: `${start}${text}-${macOf(key, text)}${end}`, words: wordsOf(nonce) };
};

/** @returns undefined for every name that this installation has not made within the last two minutes */
export const readMark = (key: Uint8Array, name: string | undefined, time: number): Mark | undefined => {
  if (name === undefined || name.length > nameLengthMax || !name.startsWith(start) || !name.endsWith(end))
    return undefined;
  const parts = name.slice(start.length, -end.length).split('-');
  const mac = Buffer.from(parts.pop() ?? '', 'latin1');
  const wanted = Buffer.from(macOf(key, parts.join('-')), 'latin1');
  if (mac.length !== wanted.length || !timingSafeEqual(mac, wanted)) return undefined;
  const [hookName = '', kindName = '', made = '', nonce = ''] = parts;
  if (Math.abs(time - Number.parseInt(made, 36)) > lifeMs) return undefined;
  const kind = kinds.find((one) => one === kindName);
  const hook = hookName === 'any' ? 'any' : hookNamed.get(hookName);
  return kind === undefined || hook === undefined ? undefined : { hook, kind, nonce };
};
