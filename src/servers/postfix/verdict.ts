/** What smtpd(8) decided of a command or a message: `reject: RCPT from …` and its kin. */
import type { EventDraft, EventKind } from '../../model/event.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { draft, peerAt, peerEnd, sessionOf } from './line.ts';
import type { Line } from './line.ts';
import type { PostfixMemory } from './memory.ts';
import { readRefusal } from './refusal.ts';

const kindOfStage = new Map<string, EventKind>([
  ['RCPT', 'recipient'],
  ['MAIL', 'sender'],
  ['HELO', 'helo'],
  ['EHLO', 'helo'],
  ['CONNECT', 'connect'],
  ['VRFY', 'recipient'],
]);

const refusing = new Set(['reject', 'milter-reject', 'proxy-reject']);
const holding = new Set(['hold', 'milter-hold']);
const discarding = new Set(['discard', 'milter-discard']);

const verdictWords = new Set([
  ...refusing,
  ...holding,
  ...discarding,
  'proxy-accept',
  'redirect',
  'filter',
  'warn',
  'info',
  'prepend',
  'bcc',
  'replace',
  'permit',
  'milter-header',
  'reject_warning',
  'strip',
  'pass',
  'delay',
  'trigger',
]);

/** `reject: RCPT from NAME[ADDR]: 550 …`, and hold, discard. */
const readDecision = (line: Line, memory: PostfixMemory, tell: Tell, word: string): Understood => {
  const { text } = line;
  const stageAt = word.length + 2;
  const stageEnd = text.indexOf(' from ', stageAt);
  if (stageEnd < 0) return 'unmatched';
  const stage = text.slice(stageAt, stageEnd);
  const refused = refusing.has(word);
  const event = draft(line, refused ? (kindOfStage.get(stage) ?? 'other') : holding.has(word) ? 'queue' : 'other');
  event.client = peerAt(text, stageEnd + 6);
  event.session = sessionOf(line);
  if (line.queueId !== '') event.account = memory.messages.get(line.queueId)?.account;
  if (refused) readRefusal(event, text, peerEnd.at + 2);
  else event.text = text;
  if (refused && stage === 'END-OF-MESSAGE') event.reason ??= 'content';
  if (holding.has(word)) event.reason = 'hold';
  if (event.reason === 'pipelining' || event.reason === 'bare-newline') tellCommandError(event, tell);
  tell(event);
  return 'event';
};

/** Redirect, warn and their kin decide nothing that is told. */
export const readVerdict = (line: Line, memory: PostfixMemory, tell: Tell): Understood | undefined => {
  const { text } = line;
  const colon = text.indexOf(': ');
  const word = colon > 0 && colon < 16 ? text.slice(0, colon) : '';
  if (!verdictWords.has(word)) return undefined;
  if (word === 'proxy-reject' && !text.startsWith(' from ', text.indexOf(' ', colon + 2)))
    return readProxyReject(line, memory, tell, colon + 2);
  const isDecision = refusing.has(word) || holding.has(word) || discarding.has(word);
  return isDecision ? readDecision(line, memory, tell, word) : 'known';
};

/** `proxy-reject: END-OF-MESSAGE: 554 …`: names no client; the process wrote `NOQUEUE: client=…` before. */
const readProxyReject = (line: Line, memory: PostfixMemory, tell: Tell, stageAt: number): Understood => {
  const { text } = line;
  const stageEnd = text.indexOf(': ', stageAt);
  if (stageEnd < 0) return 'unmatched';
  const event = draft(line, kindOfStage.get(text.slice(stageAt, stageEnd)) ?? 'other');
  event.session = sessionOf(line);
  const proxied = memory.proxied.get(event.session);
  event.client = proxied?.client;
  event.account = proxied?.account;
  readRefusal(event, text, stageEnd + 2);
  if (event.kind === 'other') event.reason ??= 'content';
  tell(event);
  return 'event';
};

/** A refusal for how the client talks is also an error of its dialogue. */
const tellCommandError = (event: EventDraft, tell: Tell): void => {
  tell({ ...event, kind: 'command-error', outcome: undefined });
};
