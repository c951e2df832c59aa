/** Lines about a message in the queue: pickup, cleanup, qmgr, bounce, and the tools of the queue. */
import type { Understood } from '../grammar.ts';
import type { EventDraft } from '../../model/event.ts';
import { keep, keepIfAny } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import { readDelivery } from './delivery.ts';
import { draft, peerAt, peerEnd } from './line.ts';
import type { DaemonReader, Line } from './line.ts';
import { cameBack } from '../trips.ts';
import { newMessage } from './memory.ts';
import type { Message, PostfixMemory } from './memory.ts';
import { readFields, readRefusal, readReply } from './refusal.ts';

/** `QUEUEID: uid=33 from=<www-data>`; a requeued message has `orig_id=OLDID` behind it, and its old owner. */
export const readPickup: DaemonReader = (line, memory) => {
  const { text } = line;
  if (line.queueId === '' || !text.startsWith('uid=')) return text.startsWith('message ') ? 'known' : 'unmatched';
  const old = /> orig_id=([0-9A-Za-z]{5,20})$/.exec(text)?.[1];
  if (old !== undefined) {
    const message = memory.messages.get(old) ?? newMessage();
    memory.messages.set(line.queueId, { ...message, told: true });
    return 'known';
  }
  const message = newMessage();
  message.user = keep(text.slice(4, text.indexOf(' ')));
  const from = text.indexOf('from=<');
  message.sender = from < 0 ? undefined : keepIfAny(text.slice(from + 6, -1));
  message.protocol = 'local';
  memory.messages.set(line.queueId, message);
  return 'known';
};

/** Two aliases that name each other; the sender is told to try again. */
const nestedAlias = /^warning: \w+: unreasonable \S+ map nesting for (\S{1,320}) -- /;

const messageIdMark = 'message-id=';
const cleanupKnown = ['resent-message-id=', 'removed spurious ', 'removed (', 'ignoring '];

/** Actions of header_checks, body_checks, milters; those that change no message's fate are known and not told. */
const actions: readonly (readonly [string, 'refused' | 'held' | 'discarded' | 'noted'])[] = [
  ['reject', 'refused'],
  ['hold', 'held'],
  ['quarantine', 'held'],
  ['discard', 'discarded'],
  ...['warning', 'info', 'filter', 'redirect', 'prepend', 'replace', 'ignore', 'strip', 'bcc', 'pass', 'delay'].map(
    (word): [string, 'noted'] => [word, 'noted'],
  ),
];
const checks = new Map(
  actions.flatMap(([word, fate]) =>
    ['', 'milter-', 'milter-header-', 'milter-body-'].map((kind) => [kind + word, fate]),
  ),
);

/** Stages that Postfix itself writes before ` from `. A header or a body line is the client's own text. */
const isStage = (text: string): boolean => /^[A-Z-]{4,14}$/.test(text);

/**
 * `header SUBJECT from NAME[ADDR]; from=<…> to=<…> proto=… helo=<…>: 5.7.1 …`, or `from local; …`. What stands before the peer
 * imitates it at will: only one that stands there alone is believed.
 */
const readContent = (event: EventDraft, text: string, refused: boolean): void => {
  const mark = text.indexOf('; from=<');
  const isAlone = mark >= 0 && !text.includes('; from=<', mark + 1);
  const reply = text.lastIndexOf('>: ');
  if (refused) readReply(event, text.slice(reply < 0 ? 0 : reply + 3));
  if (!isAlone) return;
  if (refused) readFields(event, text, mark);
  if (text.charCodeAt(mark - 1) === 93) event.client = peerAt(text, text.lastIndexOf(' from ', mark) + 6);
};

const readDecision = (event: EventDraft, text: string, at: number, refused: boolean): void => {
  const from = text.indexOf(' from ', at);
  if (from >= 0 && isStage(text.slice(at, from))) {
    event.client = peerAt(text, from + 6);
    if (refused) readRefusal(event, text, peerEnd.at + 2);
  } else readContent(event, text, refused);
  if (refused) event.reason ??= 'content';
};

const noteId = (message: Message | undefined, text: string): Understood => {
  if (message !== undefined) message.messageId = keep(text.slice(messageIdMark.length));
  return 'known';
};

const tellNested = (line: Line, tell: Tell): boolean => {
  const nested = nestedAlias.exec(line.text)?.[1];
  if (nested === undefined) return false;
  const event = draft(line, 'message');
  event.reason = 'loop';
  event.origin = nested;
  event.recipient = nested;
  tell(event);
  return true;
};

/** What header and body checks and milters did: `milter-hold: END-OF-MESSAGE from …`, `reject: header …`. */
export const readCleanup: DaemonReader = (line, memory, tell) => {
  const { text } = line;
  if (text.startsWith('to=<')) return readDelivery(line, memory, tell);
  if (text.startsWith(messageIdMark)) return noteId(memory.messages.get(line.queueId), text);
  if (tellNested(line, tell)) return 'event';
  if (cleanupKnown.some((start) => text.startsWith(start))) return 'known';
  const colon = text.indexOf(': ');
  const fate = colon < 0 ? undefined : checks.get(text.slice(0, colon));
  if (fate === undefined) return 'unmatched';
  if (fate === 'noted') return 'known';
  const message = memory.messages.get(line.queueId);
  const event = draft(line, fate === 'held' ? 'queue' : 'other');
  readDecision(event, text, colon + 2, fate === 'refused');
  if (fate === 'held') event.reason = 'hold';
  event.account = message?.account;
  if (message?.client !== undefined || message?.user !== undefined) event.client = message.client;
  event.user = message?.user;
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

const qmgrKnown = ['statistics:', 'skipped, still being delivered', 'enabling VERP', 'sending defer warning', 'moved '];

export const readQmgr: DaemonReader = (line, memory, tell) => {
  const { text } = line;
  if (line.queueId === '') return qmgrKnown.some((start) => text.startsWith(start)) ? 'known' : 'unmatched';
  if (text === 'removed') {
    memory.messages.delete(line.queueId);
    return 'known';
  }
  if (text.startsWith('to=<')) return readDelivery(line, memory, tell);
  if (!text.startsWith('from=<')) return qmgrKnown.some((start) => text.startsWith(start)) ? 'known' : 'unmatched';
  let message = memory.messages.get(line.queueId);
  if (message === undefined) {
    message = newMessage();
    memory.messages.set(line.queueId, message);
  }
  const sizeAt = text.lastIndexOf('>, size=');
  const senderEnd = Math.max(sizeAt, text.lastIndexOf('>, status='));
  if (senderEnd < 0) return 'unmatched';
  message.sender = keep(text.slice(6, senderEnd));
  if (text.startsWith('>, status=expired', senderEnd) || text.startsWith('>, status=force-expired', senderEnd)) {
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
  if (mark < 0 || line.queueId === '') return text.includes('notification') ? 'known' : 'unmatched';
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
  // A warning that it takes long, or that it arrived, is no bounce.
  if (!text.includes('non-delivery')) return 'known';
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
  'Expired',
  'Force-expired',
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
