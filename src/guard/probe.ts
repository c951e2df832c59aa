/**
 * Marked questions: `postern check` speaks to a mail server under a name that only this installation can make, and the
 * guard answers it in words that nobody else would say. So what a client hears proves that the server asked and obeyed.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ask } from '../model/ports.ts';
import type { Question, Stage } from '../model/question.ts';
import type { Verdict } from '../model/verdict.ts';

const start = 'check-';
const end = '.invalid';
const macLength = 20;

export type ProbeStage = Extract<Stage, 'helo' | 'auth' | 'sender' | 'recipient' | 'data'>;
const stages: readonly string[] = ['helo', 'auth', 'sender', 'recipient', 'data'];

/** Made at the first start; whoever may read it may have the guard say no to himself. @param state the state directory */
export const probeKey = (state: string): Buffer => {
  const file = join(state, 'check.key');
  try {
    return readFileSync(file);
  } catch {
    mkdirSync(state, { recursive: true, mode: 0o750 });
    try {
      writeFileSync(file, randomBytes(32), { mode: 0o600, flag: 'wx' });
    } catch {
      // Somebody else has just made it.
    }
    return readFileSync(file);
  }
};

const macOf = (key: Uint8Array, text: string): string =>
  createHmac('sha256', key).update(text).digest('hex').slice(0, macLength);

export type Probe = {
  /** HELO name, or account. */
  readonly name: string;
  /** What a server that asks and obeys tells the client. */
  readonly words: string;
};

export const makeProbe = (key: Uint8Array, stage: ProbeStage): Probe => {
  const nonce = randomBytes(6).toString('hex');
  const text = `${stage}-${nonce}`;
  return { name: `${start}${text}-${macOf(key, text)}${end}`, words: `postern check ${nonce}` };
};

const readProbe = (key: Uint8Array, name: string): { stage: string; nonce: string } | undefined => {
  const [stage = '', nonce = '', mac = ''] = name.slice(start.length, -end.length).split('-');
  const wanted = macOf(key, `${stage}-${nonce}`);
  const isOurs = mac.length === wanted.length && timingSafeEqual(Buffer.from(mac, 'latin1'), Buffer.from(wanted));
  return isOurs && stages.includes(stage) ? { stage, nonce } : undefined;
};

const isProbeName = (name: string | undefined): name is string =>
  name !== undefined && name.length < 100 && name.startsWith(start) && name.endsWith(end);

const answerTo = (key: Uint8Array, question: Question): Verdict | undefined => {
  const name = question.stage === 'auth' ? question.account : question.helo;
  if (!isProbeName(name)) return undefined;
  const probe = readProbe(key, name);
  if (probe === undefined) return undefined;
  if (probe.stage !== question.stage) return { kind: 'accept', why: [], known: true };
  return { kind: 'defer', reply: { code: '450', enhanced: '4.7.1', text: `postern check ${probe.nonce}` }, why: [] };
};

/** The same port; a marked question is answered as it asks to be, all others by the judge. */
export const answeringProbes =
  (ask: Ask, key: Uint8Array): Ask =>
  (question) =>
    answerTo(key, question) ?? ask(question);
