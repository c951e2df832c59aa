/** What Sendmail refused: recipients by name, and by ruleset. */
import type { EventDraft, EventKind, Outcome, Reason } from '../../model/event.ts';
import { keep } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { bare, draft, onlyRelay } from './line.ts';
import type { Line } from './line.ts';
import { waitingPerMessageMax } from './memory.ts';
import type { SendmailMemory, Waiting } from './memory.ts';

const unknownWords = ['User unknown', 'No such user', 'no such user', 'User doesn'];

const tellWaiting = (
  line: Line,
  { kind, time, recipient, words }: Waiting,
  client: string | undefined,
  sender: string | undefined,
  tell: Tell,
): void => {
  const event: EventDraft = draft(line, kind);
  Object.assign(event, { time, client, sender, text: words });
  if (kind === 'limit') event.reason = 'recipients';
  if (kind === 'recipient') {
    event.recipient = recipient;
    event.outcome = unknownWords.some((word) => words.startsWith(word)) ? 'unknown' : 'rejected';
    event.dsn = event.outcome === 'unknown' ? '5.1.1' : undefined;
  }
  tell(event);
};

/** Tells it when its client is known already, else keeps it until the transaction's `from=` line. */
const tellOrWait = (line: Line, memory: SendmailMemory, waiting: Waiting, tell: Tell): Understood => {
  const known = memory.messages.get(line.queueId);
  if (known?.client !== undefined) {
    tellWaiting(line, waiting, known.client, known.sender, tell);
    return 'event';
  }
  const list = memory.waiting.get(line.queueId) ?? [];
  if (list.length < waitingPerMessageMax) list.push(waiting);
  memory.waiting.set(line.queueId, list);
  return 'known';
};

export const readTooMany = (line: Line, memory: SendmailMemory, tell: Tell): Understood =>
  tellOrWait(line, memory, { kind: 'limit', time: line.time, recipient: '', words: 'Too many recipients' }, tell);

/** `collect: premature EOM: …`: the client went away in the middle of its message. */
export const readCollect = (line: Line, memory: SendmailMemory, tell: Tell): Understood =>
  line.text.startsWith('collect: premature EOM')
    ? tellOrWait(line, memory, { kind: 'disconnect', time: line.time, recipient: '', words: keep(line.text) }, tell)
    : 'known';

/** `<ADDRESS>... User unknown` */
export const readRecipient = (line: Line, memory: SendmailMemory, tell: Tell): Understood => {
  const end = line.text.lastIndexOf('>... ');
  if (end < 0) return 'unmatched';
  const recipient = keep(line.text.slice(1, end));
  return tellOrWait(
    line,
    memory,
    { kind: 'recipient', time: line.time, recipient, words: keep(line.text.slice(end + 5)) },
    tell,
  );
};

/** The transaction is over and its client known: tells what waited for it. */
export const tellRefused = (
  line: Line,
  memory: SendmailMemory,
  client: string | undefined,
  sender: string,
  tell: Tell,
): void => {
  const list = memory.waiting.get(line.queueId);
  if (list === undefined) return;
  memory.waiting.delete(line.queueId);
  for (const waiting of list) tellWaiting(line, waiting, client, sender, tell);
};

type Meaning = { readonly outcome: Outcome; readonly kind?: EventKind; readonly reason?: Reason };
const phrases: readonly (readonly [string, Meaning])[] = [
  ['Relaying denied', { outcome: 'relay-denied' }],
  ['Connection rate limit exceeded', { outcome: 'deferred', kind: 'limit', reason: 'connection-rate' }],
  ['Too many open connections', { outcome: 'deferred', kind: 'limit', reason: 'concurrency' }],
  ['does not exist', { outcome: 'rejected', reason: 'dns' }],
  ['does not resolve', { outcome: 'rejected', reason: 'dns' }],
  ['User unknown', { outcome: 'unknown' }],
  ['No such user', { outcome: 'unknown' }],
  ['blocked using', { outcome: 'rejected', reason: 'blocklist' }],
  ['blacklist', { outcome: 'rejected', reason: 'blocklist' }],
];

const kinds = new Map<string, EventKind>([
  ['check_rcpt', 'recipient'],
  ['check_mail', 'sender'],
  ['check_relay', 'connect'],
  ['check_compat', 'recipient'],
  ['check_vrfy', 'other'],
  ['check_expn', 'other'],
  ['check_etrn', 'other'],
]);

/** `ruleset=check_rcpt, arg1=<…>, relay=HOST [ADDRESS], reject=550 5.7.1 <…>... TEXT` */
export const readRuleset = (line: Line, memory: SendmailMemory, tell: Tell): Understood => {
  const { text } = line;
  const ruleset = text.slice(8, text.indexOf(','));
  const client = onlyRelay(text);
  const rejected = text.lastIndexOf(', reject=');
  if (rejected < 0) return 'known'; // discard, quarantine
  const reply = text.slice(rejected + 9);
  const meaning = phrases.find(([phrase]) => reply.includes(phrase))?.[1] ?? { outcome: 'rejected' as const };
  const event = draft(line, meaning.kind ?? kinds.get(ruleset) ?? 'other');
  event.client = client;
  event.outcome = reply.startsWith('4') && meaning.outcome === 'rejected' ? 'deferred' : meaning.outcome;
  event.reason = meaning.reason;
  event.text = reply;
  const words = reply.split(' ', 2);
  event.dsn = words[1] !== undefined && words[1].charCodeAt(1) === 46 ? words[1] : undefined;
  const argument = text.slice(text.indexOf(', arg1=') + 7, text.lastIndexOf(', relay=', rejected));
  if (event.kind === 'recipient') event.recipient = bare(argument);
  if (event.kind === 'sender') event.sender = bare(argument);
  const message = memory.messages.get(line.queueId);
  event.account = message?.account;
  if (event.kind === 'recipient') event.sender = message?.sender;
  tell(event);
  return 'event';
};
