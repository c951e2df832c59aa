/**
 * The message tracking log (Microsoft's "Message tracking", Exchange 2010 to SE): a line for each thing that befell a
 * message. Written from the documented format; there is no Exchange here to provoke. Joined by the network message
 * id, in 2010 by the server's own; never by the Message-ID, which is the sender's.
 */
import { canonicalAddress } from '../../model/address.ts';
import { draftEvent } from '../../model/event.ts';
import type { EventDraft, EventKind, Outcome } from '../../model/event.ts';
import { keep } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import type { Recent } from '../recent.ts';

/** What is remembered of a message until its deliveries. */
export type Tracked = Pick<EventDraft, 'client' | 'account' | 'sender' | 'reason'>;

const sources: ReadonlySet<string> = new Set([
  'ADMIN',
  'AGENT',
  'APPROVAL',
  'BOOTLOADER',
  'DNS',
  'DSN',
  'GATEWAY',
  'MAILBOXRULE',
  'MEETINGMESSAGEPROCESSOR',
  'ORAR',
  'PICKUP',
  'POISONMESSAGE',
  'PUBLICFOLDER',
  'QUEUE',
  'REDUNDANCY',
  'RESOLVER',
  'ROUTING',
  'SAFETYNET',
  'SMTP',
  'STOREDRIVER',
]);
const columnsMin = 20;
const recipientsMax = 1000;

/** By its columns, because a log that is followed from its middle has no head. */
export const isTracking = (fields: readonly string[]): boolean =>
  fields.length >= columnsMin && sources.has(fields[7] ?? '') && /^[A-Z]{3,30}$/.test(fields[8] ?? '');

const outcomes = new Map<string, Outcome>([
  ['DELIVER', 'sent'],
  ['SEND', 'sent'],
  ['FAIL', 'bounced'],
  ['DEFER', 'deferred'],
]);

const draft = (time: number, kind: EventKind, queueId: string, message: Tracked | undefined): EventDraft =>
  Object.assign(draftEvent(time, 'exchange', kind), { queueId, ...message });

const tellDeliveries = (time: number, fields: readonly string[], message: Tracked | undefined, tell: Tell): void => {
  const [, , , , , , , source = '', event = '', id = ''] = fields;
  const statuses = (fields[13] ?? '').split(';', recipientsMax);
  for (const [at, recipient] of (fields[12] ?? '').split(';', recipientsMax).entries()) {
    const delivery = draft(time, 'delivery', id, message);
    delivery.outcome = outcomes.get(event);
    delivery.recipient = recipient;
    delivery.sender ??= fields[19];
    delivery.remote = source === 'SMTP' || source === 'DNS';
    if (delivery.outcome !== 'sent') {
      delivery.text = statuses[at] ?? '';
      delivery.dsn = /\b([45]\.\d{1,3}\.\d{1,3})\b/.exec(delivery.text.slice(0, 300))?.[1];
    }
    tell(delivery);
  }
};

/** Only SMTP has a client; what the store hands in is a mailbox's own, and the host it names is a server of ours. */
const arrivalOf = (source: string, fields: readonly string[]): Tracked => {
  const sender = keep(fields[19] === '<>' ? '' : (fields[19] ?? ''));
  const original = fields[24] ?? '';
  return {
    client: source === 'SMTP' ? canonicalAddress(original === '' ? (fields[1] ?? '') : original) : undefined,
    account: source === 'STOREDRIVER' ? sender : undefined,
    sender,
    reason: source === 'DSN' ? 'bounce' : undefined,
  };
};

/**
 * @param fields date-time, client-ip, client-hostname, server-ip, server-hostname, source-context, connector-id, source,
 * event-id, internal-message-id, message-id, network-message-id, recipient-address, recipient-status, total-bytes,
 * recipient-count, related-recipient-address, reference, message-subject, sender-address, return-path, message-info,
 * directionality, tenant-id, original-client-ip, …
 */
export const readTracking = (
  time: number,
  fields: readonly string[],
  messages: Recent<Tracked>,
  tell: Tell,
): Understood => {
  const [, , , , , , , source = '', event = '', id = '', , networkId = ''] = fields;
  const network = networkId === '' ? id : networkId;
  if (event === 'RECEIVE') {
    const message = arrivalOf(source, fields);
    messages.set(keep(network), message);
    const told = draft(time, 'message', id, message);
    if (source === 'SMTP') told.protocol = 'smtp';
    const [size, count] = [Number(fields[14]), Number(fields[15])];
    if (size > 0) told.size = size;
    if (count > 0) told.count = count;
    tell(told);
    return 'event';
  }
  if (!outcomes.has(event) || source === 'REDUNDANCY' || source === 'SAFETYNET') return 'known';
  tellDeliveries(time, fields, messages.get(network), tell);
  return 'event';
};
