/** What Sendmail refused: recipients by name, and by ruleset. */
import type { EventDraft, EventKind, Outcome, Reason } from '../../model/event.ts';
import { canonicalAddress } from '../../model/address.ts';
import { keep } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { withoutBrackets } from '../path.ts';
import { draft, onlyRelay } from './line.ts';
import type { Line } from './line.ts';
import { waitingPerMessageMax } from './memory.ts';
import type { Message, SendmailMemory, Waiting } from './memory.ts';

const unknownWords = ['User unknown', 'Unknown user', 'No such user', 'no such user', 'User doesn', 'Mailbox unknown'];

const tellWaiting = (
  line: Line,
  { kind, time, recipient, tried, outcome, reason, words }: Waiting,
  message: Partial<Message>,
  tell: Tell,
): void => {
  const event: EventDraft = draft(line, kind);
  const { client } = message;
  const account = kind === 'auth' ? tried : message.account;
  const sender = kind === 'auth' ? undefined : message.sender;
  Object.assign(event, { time, client, account, sender, recipient, outcome, reason, text: words });
  tell(event);
};

/** Tells it when its client is known already, else keeps it until a line of this id names one. */
export const tellOrWait = (line: Line, memory: SendmailMemory, waiting: Waiting, tell: Tell): Understood => {
  const known = memory.messages.get(line.queueId);
  if (known?.client !== undefined) {
    tellWaiting(line, waiting, known, tell);
    return 'event';
  }
  const list = memory.waiting.get(line.queueId) ?? [];
  if (list.length < waitingPerMessageMax) list.push(waiting);
  memory.waiting.set(line.queueId, list);
  return 'known';
};

export const readTooMany = (line: Line, memory: SendmailMemory, tell: Tell): Understood =>
  tellOrWait(
    line,
    memory,
    { kind: 'limit', time: line.time, reason: 'recipients', words: 'Too many recipients' },
    tell,
  );

/** `message size (N) exceeds maximum (N)` */
export const readTooLarge = (line: Line, memory: SendmailMemory, tell: Tell): Understood =>
  tellOrWait(
    line,
    memory,
    { kind: 'other', time: line.time, outcome: 'rejected', reason: 'size', words: keep(line.text) },
    tell,
  );

/** `collect: premature EOM: …`: the client went away in the middle of its message. */
export const readCollect = (line: Line, memory: SendmailMemory, tell: Tell): Understood =>
  line.text.startsWith('collect: premature EOM')
    ? tellOrWait(line, memory, { kind: 'disconnect', time: line.time, words: keep(line.text) }, tell)
    : 'known';

/** `<ADDRESS>... User unknown` */
export const readRecipient = (line: Line, memory: SendmailMemory, tell: Tell): Understood => {
  if (line.text.startsWith('<-- ')) return 'known'; // the client's command, at LogLevel 16
  const end = line.text.lastIndexOf('>... ');
  if (end < 0) return 'unmatched';
  const words = keep(line.text.slice(end + 5));
  const outcome = unknownWords.some((word) => words.startsWith(word)) ? 'unknown' : 'rejected';
  const recipient = keep(line.text.slice(1, end));
  return tellOrWait(line, memory, { kind: 'recipient', time: line.time, recipient, outcome, words }, tell);
};

const milterStages: readonly (readonly [string, Waiting['kind'], Reason])[] = [
  ['to=', 'recipient', 'policy'],
  ['from=', 'sender', 'policy'],
  ['helo=', 'helo', 'policy'],
  ['cmd=data, ', 'other', 'policy'],
  ['data, ', 'other', 'content'],
];

/**
 * `Milter: to=<…>, reject=550 …`, `Milter: data, reject=…`: what a filter refused. No field of these lines is the client's
 * address but `Milter: connect: host=HOST, addr=ADDRESS, rejecting commands`.
 */
export const readMilter = (line: Line, memory: SendmailMemory, tell: Tell): Understood => {
  const { text } = line;
  if (text.startsWith('Milter: connect: host=')) return readMilterConnect(line, tell);
  const stage = milterStages.find(([start]) => text.startsWith(start, 8));
  const rejected = text.lastIndexOf(', reject=');
  if (stage === undefined || rejected < 0) return 'known';
  const [start, kind, reason] = stage;
  const words = keep(text.slice(rejected + 9));
  const outcome = words.startsWith('4') ? 'deferred' : 'rejected';
  const recipient = kind === 'recipient' ? keep(withoutBrackets(text.slice(8 + start.length, rejected))) : undefined;
  return tellOrWait(
    line,
    memory,
    { kind, time: line.time, outcome, reason, words, ...(recipient !== undefined && { recipient }) },
    tell,
  );
};

const readMilterConnect = (line: Line, tell: Tell): Understood => {
  const at = line.text.indexOf(', addr=');
  const end = line.text.lastIndexOf(', ');
  if (at < 0 || end <= at) return 'known';
  const event = draft(line, 'connect');
  event.client = canonicalAddress(line.text.slice(at + 7, end));
  event.outcome = line.text.includes('temp failing', end) ? 'deferred' : 'rejected';
  event.reason = 'policy';
  event.text = line.text;
  tell(event);
  return 'event';
};

/** The transaction, or the session, is over and its client known: tells what waited for it. */
export const tellRefused = (line: Line, memory: SendmailMemory, message: Partial<Message>, tell: Tell): void => {
  const list = memory.waiting.get(line.queueId);
  if (list === undefined) return;
  memory.waiting.delete(line.queueId);
  for (const waiting of list) tellWaiting(line, waiting, message, tell);
};

type Meaning = { readonly outcome: Outcome; readonly kind?: EventKind; readonly reason?: Reason };
const phrases: readonly (readonly [string, Meaning])[] = [
  ['Relaying denied', { outcome: 'relay-denied' }],
  ['Connection rate limit exceeded', { outcome: 'deferred', kind: 'limit', reason: 'connection-rate' }],
  ['Too many open connections', { outcome: 'deferred', kind: 'limit', reason: 'concurrency' }],
  ['does not exist', { outcome: 'rejected', reason: 'dns' }],
  ['does not resolve', { outcome: 'rejected', reason: 'dns' }],
  ['Relaying temporarily denied', { outcome: 'deferred', reason: 'dns' }],
  ['lookup failed', { outcome: 'rejected', reason: 'dns' }],
  ['Fix reverse DNS', { outcome: 'rejected', reason: 'dns' }],
  ['User unknown', { outcome: 'unknown' }],
  ['No such user', { outcome: 'unknown' }],
  ['blocked using', { outcome: 'rejected', reason: 'blocklist' }],
  [' listed at ', { outcome: 'rejected', reason: 'blocklist' }],
  ['blackhole site', { outcome: 'rejected', reason: 'blocklist' }],
  ['lacklist', { outcome: 'rejected', reason: 'blocklist' }],
  ['reylist', { outcome: 'deferred', reason: 'greylist' }],
  ['HELO', { outcome: 'rejected', reason: 'helo' }],
];

const kinds = new Map<string, EventKind>([
  ['check_rcpt', 'recipient'],
  ['check_mail', 'sender'],
  ['check_relay', 'connect'],
  ['check_compat', 'recipient'],
  ['check_vrfy', 'other'],
  ['check_expn', 'other'],
  ['check_etrn', 'other'],
  ['tls_client', 'tls'],
]);

/** A postmaster's own words in check_rcpt have a status code too (RFC 3463 §3.2). */
const meaningOf = (reply: string, ruleset: string): Meaning =>
  phrases.find(([phrase]) => reply.includes(phrase))?.[1] ?? {
    outcome: ruleset === 'check_rcpt' && reply.startsWith('550 5.1.1 ') ? 'unknown' : 'rejected',
  };

/** Of servers that we send to. */
const ours: ReadonlySet<string> = new Set(['tls_server', 'tls_rcpt', 'try_tls', 'authinfo']);

const aboutSender = 'Domain of sender address ';
/** With delay_checks the sender is looked up at RCPT, and stands in the answer: `… SENDER does not exist`, `… does not resolve`. */
const senderIn = (reply: string): string | undefined => {
  const at = reply.lastIndexOf(aboutSender);
  const end = reply.lastIndexOf(' does not ');
  return at < 0 || end < at ? undefined : keep(reply.slice(at + aboutSender.length, end));
};

/** `ruleset=check_rcpt, arg1=<…>, relay=HOST [ADDRESS], reject=550 5.7.1 <…>... TEXT` */
export const readRuleset = (line: Line, memory: SendmailMemory, tell: Tell): Understood => {
  const { text } = line;
  const ruleset = text.slice(8, text.indexOf(','));
  const client = onlyRelay(text);
  const rejected = text.lastIndexOf(', reject=');
  if (rejected < 0 || ours.has(ruleset)) return 'known'; // discard, quarantine
  const reply = text.slice(rejected + 9);
  const meaning = meaningOf(reply, ruleset);
  const event = draft(line, meaning.kind ?? kinds.get(ruleset) ?? 'other');
  event.client = client;
  event.outcome = reply.startsWith('4') && meaning.outcome === 'rejected' ? 'deferred' : meaning.outcome;
  // Other rulesets are those of headers: their argument is the message's.
  event.reason = meaning.reason ?? (kinds.has(ruleset) ? undefined : 'content');
  event.text = reply;
  event.dsn = /^\d{3} ([245]\.\d{1,3}\.\d{1,3}) /.exec(reply.slice(0, 20))?.[1];
  const argument = text.slice(text.indexOf(', arg1=') + 7, text.lastIndexOf(', relay=', rejected));
  if (event.kind === 'recipient') event.recipient = withoutBrackets(argument);
  if (event.kind === 'sender') event.sender = withoutBrackets(argument);
  const message = memory.messages.get(line.queueId);
  event.account = message?.account;
  if (event.kind === 'recipient') event.sender = message?.sender ?? senderIn(reply);
  tell(event);
  return 'event';
};
