/** `from=` and `to=` lines: a message came in, and what became of each recipient. */
import type { Outcome } from '../../model/event.ts';
import { keep, keepIfAny } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { quoteEnd, withoutBrackets } from '../path.ts';
import { draft, field, lastRelay, relayAt, relayMark } from './line.ts';
import type { Line } from './line.ts';
import { cameBack, sentOn } from '../trips.ts';
import { newMessage } from './memory.ts';
import type { Message, SendmailMemory } from './memory.ts';
import { tellRefused } from './refusal.ts';

/** A local submission's relay is `user@localhost`, or a unix socket, when the sender is the user unless he said otherwise. */
const localUser = (text: string, sender: string): string | undefined => {
  const at = text.lastIndexOf(', relay=');
  const relay = at < 0 ? '' : text.slice(at + 8);
  if (relay.includes('[[UNIX: ')) return sender;
  return relay.endsWith('@localhost') && !relay.includes(' ') ? relay.slice(0, -'@localhost'.length) : undefined;
};

/** Of a longer sender Sendmail writes only so much, without the end of its quotes and brackets. */
const senderLengthMax = 200;
const senderAt = 'from='.length;

/** Where `, size=` follows the sender; -1 when it does not. */
const senderEndOf = (text: string): number => {
  const quoted = quoteEnd(text, senderAt + 1);
  const cut = senderAt + senderLengthMax;
  if (quoted < cut) return text.indexOf(', size=', quoted - 1);
  return text.startsWith(', size=', cut) ? cut : -1;
};

/** `from=<SENDER>, size=, class=, nrcpts=, msgid=, proto=, daemon=, relay=HOST [ADDRESS]`: written once per transaction. */
export const readFrom = (line: Line, memory: SendmailMemory, tell: Tell): Understood => {
  const { text } = line;
  const senderEnd = senderEndOf(text);
  if (senderEnd < 0) return 'unmatched';
  const message: Message = memory.messages.get(line.queueId) ?? newMessage();
  message.sender = keep(withoutBrackets(text.slice(senderAt, senderEnd)));
  message.client = keepIfAny(lastRelay(text));
  message.user ??= keepIfAny(localUser(text, message.sender));
  // The message id, which the client wrote, stands before them: the last ones are Sendmail's.
  const proto = field(text, 'proto', text.lastIndexOf(', proto=')) ?? '';
  const daemon = field(text, 'daemon', text.lastIndexOf(', daemon='));
  message.account = proto.includes('A') ? memory.logins.get(line.pid) : undefined;
  message.protocol = message.user !== undefined ? 'local' : daemon === 'MSA' ? 'submission' : 'smtp';
  message.messageId = keepIfAny(field(text, 'msgid', senderEnd));
  memory.messages.set(line.queueId, message);
  tellRefused(line, memory, message, tell);
  const count = Number(field(text, 'nrcpts', senderEnd));
  if (!(count > 0)) return 'known';
  const event = draft(line, 'message');
  event.client = message.client;
  event.account = message.account;
  event.user = message.user;
  event.sender = message.sender;
  event.reason = message.reason;
  event.protocol = message.protocol;
  event.count = count;
  cameBack(memory.trips, message.messageId, event);
  const size = Number(field(text, 'size', senderEnd - 1));
  if (!Number.isNaN(size)) event.size = size;
  tell(event);
  return 'event';
};

const localMailers = new Set([
  'local',
  'lmtp',
  'prog',
  '*file*',
  '*include*',
  'discard',
  'cyrus',
  'cyrusv2',
  'procmail',
]);

const waitingWords = ['Deferred', 'queued', 'Locked', 'quarantined'];

const outcomeOf = (status: string): Outcome => {
  if (status.startsWith('Sent') || status.startsWith('discarded')) return 'sent';
  return waitingWords.some((word) => status.startsWith(word)) ? 'deferred' : 'bounced';
};

/** The submission program hands the message to the daemon: not a delivery, but the daemon's message has an owner now. */
const isHop = (text: string, status: string): boolean =>
  status.includes('Message accepted for delivery') &&
  field(text, 'mailer') === 'relay' &&
  /\[(?:127\.0\.0\.1|(?:IPv6:)?(?:0:0:0:0:0:0:0:1|::1))\]$/.test(field(text, 'relay') ?? '');

const followHop = (status: string, memory: SendmailMemory, owner: Message | undefined): void => {
  const open = status.indexOf('(');
  const next = status.slice(open + 1, status.indexOf(' ', open));
  const message = memory.messages.get(next) ?? newMessage();
  message.user = owner?.user;
  message.reason ??= owner?.reason;
  memory.messages.set(keep(next), message);
};

/**
 * `<A>,<B>, ctladdr=…` from `from` on: the recipients, and where they end, at the first comma with a space; in a quoted
 * local part a comma is the sender's own.
 */
const addressesAt = (text: string, from: number): { readonly recipients: readonly string[]; readonly end: number } => {
  const recipients: string[] = [];
  let start = from;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34) at = quoteEnd(text, at);
    else if (code === 44) {
      recipients.push(text.slice(start, at));
      if (text.charCodeAt(at + 1) === 32) return { recipients, end: at };
      start = at + 1;
    }
  }
  return { recipients, end: -1 };
};

/** `to=<A>,<B>, ctladdr=, delay=, xdelay=, mailer=, pri=, relay=, dsn=, reply=, stat=…` */
export const readTo = (line: Line, memory: SendmailMemory, tell: Tell): Understood => {
  const { text } = line;
  const { recipients, end: listEnd } = addressesAt(text, 3);
  const delayAt = text.indexOf(', delay=', listEnd);
  const statusAt = text.indexOf(', stat=', delayAt);
  if (listEnd < 0 || delayAt < 0 || statusAt < 0) return 'unmatched';
  // Refused when it had been taken in already, by a milter or for its size: no mailer ever had it.
  if (field(text, 'mailer', delayAt) === undefined) return 'known';
  const status = text.slice(statusAt + 7);
  const message = memory.messages.get(line.queueId);
  if (isHop(text, status)) {
    followHop(status, memory, message);
    return 'known';
  }
  const relay = field(text, 'relay', delayAt) ?? '';
  const relayStart = text.indexOf(relayMark, delayAt) + relayMark.length;
  for (const recipient of recipients) {
    const event = draft(line, 'delivery');
    event.outcome = outcomeOf(status);
    event.recipient = withoutBrackets(recipient);
    event.remote = !localMailers.has(field(text, 'mailer', delayAt) ?? '');
    event.dsn = field(text, 'dsn', delayAt);
    if (event.outcome !== 'sent') event.text = status;
    event.client = message?.client;
    event.account = message?.account;
    event.user = message?.user;
    event.sender = message?.sender;
    event.reason = message?.reason;
    // Of an alias, Sendmail's log names the alias and not what it was replaced by: the host must do.
    sentOn(memory.trips, message?.messageId, relayAt(text, relayStart), event, relay.split(' ')[0]);
    tell(event);
  }
  return 'event';
};

/** `NEWID: DSN: User unknown`, `NEWID: return to sender: …`: the new message answers for the old one's owner. */
export const readBounce = (line: Line, memory: SendmailMemory, next: string, words: string, tell: Tell): Understood => {
  const owner = memory.messages.get(line.queueId);
  const bounce: Message = { ...(owner ?? newMessage()), sender: '', reason: 'bounce' };
  memory.messages.set(keep(next), bounce);
  const event = draft(line, 'queue');
  event.queueId = next;
  event.reason = 'bounce';
  event.sender = '';
  event.client = bounce.client;
  event.account = bounce.account;
  event.user = bounce.user;
  event.text = words;
  tell(event);
  return 'event';
};
