/** Lines of smtpd(8), under whatever service name it runs. */
import type { EventDraft, EventKind, Reason } from '../../model/event.ts';
import { keep, keepIfAny } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { draft, peerAt, peerEnd, sessionOf } from './line.ts';
import type { DaemonReader, Line } from './line.ts';
import { newMessage } from './memory.ts';
import type { PostfixMemory } from './memory.ts';
import { readRefusal } from './refusal.ts';

const tellPeer = (
  line: Line,
  tell: Tell,
  kind: EventKind,
  from: number,
  fill?: (event: EventDraft) => void,
): Understood => {
  const event = draft(line, kind);
  event.client = peerAt(line.text, from);
  event.session = sessionOf(line);
  fill?.(event);
  tell(event);
  return 'event';
};

/** `QUEUEID: client=NAME[ADDR], sasl_method=…, sasl_username=…, orig_client=NAME[ADDR]` */
const readClient = (line: Line, memory: PostfixMemory, tell: Tell): Understood => {
  const { text } = line;
  const message = newMessage();
  message.client = keepIfAny(peerAt(text, 7));
  message.protocol = line.program.protocol;
  // Behind a content filter the client of the first pass is told by XFORWARD; only the filter can say so.
  const forwarded = text.indexOf(', orig_client=', peerEnd.at);
  if (forwarded >= 0) message.client = keepIfAny(peerAt(text, forwarded + 14));
  const account = text.indexOf(', sasl_username=', peerEnd.at);
  if (account >= 0) {
    const end = text.indexOf(', sasl_sender=', account);
    message.account = keep(end < 0 ? text.slice(account + 16) : text.slice(account + 16, end));
  }
  // Before a proxy filter a message has no queue id yet.
  if (line.queueId !== '') memory.messages.set(line.queueId, message);
  if (message.account === undefined) return 'known';
  const event = draft(line, 'auth');
  event.outcome = 'success';
  event.client = message.client;
  event.account = message.account;
  event.session = sessionOf(line);
  tell(event);
  return 'event';
};

const kindOfStage = new Map<string, EventKind>([
  ['RCPT', 'recipient'],
  ['MAIL', 'sender'],
  ['HELO', 'helo'],
  ['EHLO', 'helo'],
  ['CONNECT', 'connect'],
  ['VRFY', 'recipient'],
]);

/** `reject: RCPT from NAME[ADDR]: 550 …`, also milter-reject, hold, discard, redirect, warn … */
const readVerdict = (line: Line, memory: PostfixMemory, tell: Tell, colon: number): Understood => {
  const { text } = line;
  const word = text.slice(0, colon);
  const stageEnd = text.indexOf(' from ', colon);
  // A proxy filter's refusal names its stage and no client.
  if (stageEnd < 0) return word === 'proxy-reject' ? 'known' : 'unmatched';
  const stage = text.slice(colon + 2, stageEnd);
  const refused = word === 'reject' || word === 'milter-reject' || word === 'proxy-reject';
  const event = draft(line, refused ? (kindOfStage.get(stage) ?? 'other') : 'queue');
  event.client = peerAt(text, stageEnd + 6);
  event.session = sessionOf(line);
  if (refused) {
    readRefusal(event, text, peerEnd.at + 2);
    if (line.queueId !== '') event.account = memory.messages.get(line.queueId)?.account;
    if (event.reason === 'pipelining' || event.reason === 'bare-newline') tellCommandError(event, tell);
  } else {
    event.text = text;
    if (word === 'hold') event.reason = 'hold';
  }
  tell(event);
  return 'event';
};

/** A refusal for how the client talks is also an error of its dialogue. */
const tellCommandError = (event: EventDraft, tell: Tell): void => {
  tell({ ...event, kind: 'command-error', outcome: undefined });
};

const reasonOfFailure = (why: string): Reason => {
  if (why.startsWith('Invalid base64') || why.startsWith('Invalid authentication mechanism')) return 'malformed';
  return why.includes('aborted') || why.includes('onnection lost') ? 'aborted' : 'bad-password';
};

/** `warning: NAME[ADDR]: SASL PLAIN authentication failed: WHY, sasl_username=USER` */
const readSasl = (line: Line, tell: Tell, behindPeer: number, client: string | undefined): Understood => {
  const { text } = line;
  const event = draft(line, 'auth');
  event.outcome = 'failure';
  event.client = client;
  event.session = sessionOf(line);
  const failed = text.indexOf(' authentication failed', behindPeer);
  const why = failed < 0 ? text.slice(behindPeer) : text.slice(failed + 24);
  event.reason = reasonOfFailure(why);
  const account = text.indexOf(', sasl_username=', behindPeer);
  if (account >= 0) {
    const name = text.slice(account + 16);
    if (name !== '(unavailable)' && name !== '') event.account = name;
  }
  event.text = text.slice(behindPeer);
  tell(event);
  return 'event';
};

const limits: readonly (readonly [string, Reason])[] = [
  ['Connection rate limit exceeded', 'connection-rate'],
  ['Connection concurrency limit exceeded', 'concurrency'],
  ['AUTH command rate limit exceeded', 'auth-rate'],
  ['Message delivery request rate limit exceeded', 'message-rate'],
  ['Recipient address rate limit exceeded', 'recipient-rate'],
  ['New TLS session rate limit exceeded', 'connection-rate'],
];

/** `warning: …`: the few that are facts about a client; the rest is Postfix's own business. */
const readWarning = (line: Line, tell: Tell): Understood => {
  const { text } = line;
  const limit = limits.find(([phrase]) => text.startsWith(phrase, 9));
  if (limit !== undefined) {
    const from = text.indexOf(' from ', 9 + limit[0].length);
    return tellPeer(line, tell, 'limit', from + 6, (event) => {
      event.reason = limit[1];
    });
  }
  if (text.startsWith('non-SMTP command from ', 9)) {
    return tellPeer(line, tell, 'command-error', 31, (event) => {
      event.reason = 'non-smtp';
      event.text = text.slice(peerEnd.at + 2);
    });
  }
  if (text.startsWith('Illegal address syntax from ', 9)) {
    return tellPeer(line, tell, 'command-error', 37, (event) => {
      event.reason = 'syntax';
    });
  }
  const client = peerAt(text, 9);
  if (client !== undefined && text.startsWith(': SASL ', peerEnd.at))
    return readSasl(line, tell, peerEnd.at + 2, client);
  return 'known';
};

/** `VERB after STAGE from NAME[ADDR]: …`, where the stage is smtpd's own word. */
const afterStage: readonly (readonly [string, EventKind | undefined, Reason | undefined])[] = [
  ['lost connection after ', undefined, undefined],
  ['timeout after ', undefined, undefined],
  ['too many errors after ', 'command-error', 'too-many-errors'],
  ['improper command pipelining after ', 'command-error', 'pipelining'],
];

const readAfterStage = (line: Line, tell: Tell): Understood | undefined => {
  const { text } = line;
  const rule = afterStage.find(([start]) => text.startsWith(start));
  if (rule === undefined) return undefined;
  const [start, kind, reason] = rule;
  if (kind === undefined) return 'known';
  const from = text.indexOf(' from ', start.length);
  if (from < 0) return 'unmatched';
  const early = reason === 'pipelining' && text.startsWith('CONNECT', start.length);
  return tellPeer(line, tell, early ? 'early-talk' : kind, from + 6, (event) => {
    event.reason = early ? undefined : reason;
    event.text = text.slice(peerEnd.at + 2);
  });
};

const verdictWords = new Set([
  'reject',
  'milter-reject',
  'proxy-reject',
  'hold',
  'discard',
  'redirect',
  'filter',
  'warn',
  'info',
  'prepend',
  'bcc',
  'replace',
  'permit',
  'milter-hold',
  'milter-discard',
  'milter-header',
  'reject_warning',
  'strip',
  'pass',
  'delay',
]);

/** Smtpd's own business. */
const known = [
  'SSL_accept',
  'fatal: ',
  'error: ',
  'panic: ',
  'setting up TLS',
  'sender non-',
  'initializing',
  'using backwards-compatible',
  'TLS SNI',
  'Host offered',
  'replacing command',
];

export const readSmtpd: DaemonReader = (line, memory, tell) => {
  const { text } = line;
  if (text.startsWith('client=')) return readClient(line, memory, tell);
  if (text.startsWith('connect from ')) return tellPeer(line, tell, 'connect', 13);
  if (text.startsWith('disconnect from ')) return tellPeer(line, tell, 'disconnect', 16);
  if (text.startsWith('warning: ')) return readWarning(line, tell);
  const colon = text.indexOf(': ');
  if (colon > 0 && colon < 16 && verdictWords.has(text.slice(0, colon))) return readVerdict(line, memory, tell, colon);
  const after = readAfterStage(line, tell);
  if (after !== undefined) return after;
  const tls = text.indexOf('TLS connection established from ');
  if (tls >= 0 && tls < 12) return tellPeer(line, tell, 'tls', tls + 32);
  return known.some((start) => text.startsWith(start)) ? 'known' : 'unmatched';
};
