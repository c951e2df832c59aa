/** Lines about a message in the queue: pickup, cleanup, qmgr, bounce, and the tools of the queue. */
import { keep, keepIfAny } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import { between, draft, peerAt, peerEnd } from './line.ts';
import type { DaemonReader, Line } from './line.ts';
import { cameBack } from '../trips.ts';
import { newMessage } from './memory.ts';
import type { Message, PostfixMemory } from './memory.ts';
import { readRefusal } from './refusal.ts';

/** `QUEUEID: uid=33 from=<www-data>` */
export const readPickup: DaemonReader = (line, memory) => {
  const { text } = line;
  if (line.queueId === '') return text.startsWith('warning: ') ? 'known' : 'unmatched';
  if (!text.startsWith('uid=')) return 'unmatched';
  const message = newMessage();
  message.user = keep(text.slice(4, text.indexOf(' ')));
  message.sender = keepIfAny(between(text, 'from=<', '>'));
  message.protocol = 'local';
  memory.messages.set(line.queueId, message);
  return 'known';
};

const cleanupKnown = [
  'resent-message-id=',
  'warning: ',
  'info: ',
  'prepend: ',
  'replace: ',
  'filter: ',
  'redirect: ',
  'strip: ',
];

/** Two aliases that name each other; the sender is told to try again. */
const nestedAlias = /^warning: \w+: unreasonable \S+ map nesting for (\S{1,320}) -- /;

const messageIdMark = 'message-id=';

const verdictWords: readonly (readonly [string, 'refused' | 'held' | 'discarded'])[] = [
  ['milter-reject: ', 'refused'],
  ['reject: ', 'refused'],
  ['milter-hold: ', 'held'],
  ['hold: ', 'held'],
  ['discard: ', 'discarded'],
  ['milter-discard: ', 'discarded'],
];

/** Header and body checks, milters at the end of the message: `milter-hold: END-OF-MESSAGE from …`, `reject: header … from NAME[ADDR]; …` */
export const readCleanup: DaemonReader = (line, memory, tell) => {
  const { text } = line;
  if (text.startsWith(messageIdMark)) {
    const known = memory.messages.get(line.queueId);
    if (known !== undefined) known.messageId = keep(text.slice(messageIdMark.length));
    return 'known';
  }
  const nested = nestedAlias.exec(text)?.[1];
  if (nested !== undefined) {
    const event = draft(line, 'message');
    event.reason = 'loop';
    event.origin = nested;
    event.recipient = nested;
    tell(event);
    return 'event';
  }
  if (cleanupKnown.some((start) => text.startsWith(start))) return 'known';
  const verdict = verdictWords.find(([start]) => text.startsWith(start))?.[1];
  if (verdict === undefined) return 'unmatched';
  const message = memory.messages.get(line.queueId);
  const event = draft(line, verdict === 'held' ? 'queue' : 'other');
  event.account = message?.account;
  event.client = message?.client;
  if (verdict === 'held') event.reason = 'hold';
  if (verdict === 'refused') {
    const from = text.indexOf(' from ');
    const client = from < 0 ? undefined : peerAt(text, from + 6);
    event.client ??= client;
    readRefusal(event, text, from < 0 ? 0 : peerEnd.at + 2);
  }
  event.text = text;
  tell(event);
  return 'event';
};

const numberBehind = (text: string, mark: string): number | undefined => {
  const at = text.indexOf(mark);
  const value = at < 0 ? NaN : Number.parseInt(text.slice(at + mark.length, at + mark.length + 12), 10);
  return Number.isNaN(value) ? undefined : value;
};

/** @param fieldsAt behind the sender, which may hold the same marks: the last ones are qmgr's */
const tellMessage = (line: Line, message: Message, { trips }: PostfixMemory, fieldsAt: number, tell: Tell): void => {
  const event = draft(line, 'message');
  event.client = message.client;
  event.account = message.account;
  event.user = message.user;
  event.sender = message.sender;
  event.helo = message.helo;
  event.protocol = message.protocol;
  event.reason = message.reason;
  event.origin = message.origin;
  cameBack(trips, message.messageId, event);
  const fields = line.text.slice(fieldsAt);
  event.size = numberBehind(fields, 'size=');
  event.count = numberBehind(fields, 'nrcpt=');
  tell(event);
};

export const readQmgr: DaemonReader = (line, memory, tell) => {
  const { text } = line;
  if (line.queueId === '')
    return text.startsWith('warning: ') || text.startsWith('statistics:') ? 'known' : 'unmatched';
  if (text === 'removed') {
    memory.messages.delete(line.queueId);
    return 'known';
  }
  if (!text.startsWith('from=<'))
    return text.startsWith('skipped, still being delivered') || text.startsWith('warning: ') ? 'known' : 'unmatched';
  let message = memory.messages.get(line.queueId);
  if (message === undefined) {
    message = newMessage();
    memory.messages.set(line.queueId, message);
  }
  const sizeAt = text.lastIndexOf('>, size=');
  const senderEnd = Math.max(sizeAt, text.lastIndexOf('>, status='));
  if (senderEnd < 0) return 'unmatched';
  message.sender = keep(text.slice(6, senderEnd));
  if (text.startsWith('>, status=expired', senderEnd)) {
    const event = draft(line, 'delivery');
    event.outcome = 'expired';
    event.account = message.account;
    event.client = message.client;
    event.user = message.user;
    event.sender = message.sender;
    tell(event);
    return 'event';
  }
  if (message.told) return 'known';
  message.told = true;
  tellMessage(line, message, memory, sizeAt, tell);
  return 'event';
};

/** `QUEUEID: sender non-delivery notification: NEWID`: the new message answers for the old one's owner. */
export const readBounce: DaemonReader = (line, memory, tell) => {
  const { text } = line;
  const mark = text.indexOf('notification: ');
  if (mark < 0 || line.queueId === '') return text.startsWith('warning: ') ? 'known' : 'unmatched';
  const parent = memory.messages.get(line.queueId);
  const bounce = newMessage();
  bounce.client = parent?.client;
  bounce.account = parent?.account;
  bounce.user = parent?.user;
  bounce.origin = parent?.origin;
  bounce.sender = '';
  bounce.reason = 'bounce';
  const queueId = keep(text.slice(mark + 14));
  memory.messages.set(queueId, bounce);
  const event = draft(line, 'queue');
  event.reason = 'bounce';
  event.queueId = queueId;
  event.client = bounce.client;
  event.account = bounce.account;
  event.user = bounce.user;
  event.sender = '';
  event.text = text.slice(0, mark + 12);
  tell(event);
  return 'event';
};

const toolWords = [
  'Deleted',
  'Requeued',
  'Placed on hold',
  'Released from hold',
  'Renamed',
  'warning: ',
  'fatal: ',
  'error: ',
  'info: ',
];

export const readSuper: DaemonReader = (line, _memory, tell) => {
  const { text } = line;
  if (line.queueId !== '') {
    const event = draft(line, 'queue');
    event.reason = text.includes('hold') ? 'hold' : 'removed';
    event.text = text;
    tell(event);
    return 'event';
  }
  return toolWords.some((start) => text.startsWith(start)) ? 'known' : 'unmatched';
};
