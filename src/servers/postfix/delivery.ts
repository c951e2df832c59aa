/** Lines of the delivery agents: `QUEUEID: to=<…>, orig_to=<…>, relay=…, delay=…, delays=…, dsn=2.0.0, status=sent (…)`. */
import type { Outcome } from '../../model/event.ts';
import { sentOn } from '../trips.ts';
import { draft, peerAt } from './line.ts';
import type { DaemonReader } from './line.ts';

const outcomes = new Map<string, Outcome>([
  ['sent', 'sent'],
  ['bounced', 'bounced'],
  ['deferred', 'deferred'],
  ['expired', 'expired'],
  ['undeliverable', 'bounced'],
  ['deliverable', 'sent'],
]);

/** The hop to a content filter on this host (amavis and its kin listen here) is not a delivery: the message comes back. */
const isFilterHop = (relay: string): boolean => /^127\.0\.0\.1\[127\.0\.0\.1\]:100[23]\d$/.test(relay);

const knownStarts = [
  'host ',
  'warning: ',
  'connect to ',
  'Trusted TLS',
  'Untrusted TLS',
  'Anonymous TLS',
  'Verified TLS',
  'SSL_connect error',
  'enabling PIX workarounds',
  'breaking SASL',
  'lost connection',
  'conversation with ',
  'certificate verification failed',
  'Host offered STARTTLS',
  'Cannot start TLS',
  'table ',
  'passing ',
  'replacing command',
  'server certificate verification failed',
  'refused to talk',
  'breaking line ',
];

export const readDelivery: DaemonReader = (line, memory, tell) => {
  const { text } = line;
  if (!text.startsWith('to=<') || line.queueId === '')
    return knownStarts.some((start) => text.startsWith(start)) ? 'known' : 'unmatched';
  const relayAt = text.indexOf('>, relay=');
  const statusAt = text.indexOf(', status=', relayAt);
  if (relayAt < 0 || statusAt < 0) return 'unmatched';
  const originAt = text.indexOf('>, orig_to=<');
  const hasOrigin = originAt >= 0 && originAt < relayAt;
  const wordEnd = text.indexOf(' ', statusAt + 9);
  const word = wordEnd < 0 ? text.slice(statusAt + 9) : text.slice(statusAt + 9, wordEnd);
  const outcome = outcomes.get(word);
  if (outcome === undefined) return 'unmatched';
  const relayEnd = text.indexOf(', ', relayAt + 9);
  if (isFilterHop(text.slice(relayAt + 9, relayEnd))) return 'known';
  const event = draft(line, 'delivery');
  event.outcome = outcome;
  event.recipient = text.slice(4, hasOrigin ? originAt : relayAt);
  if (hasOrigin) event.origin = text.slice(originAt + 12, relayAt);
  const { daemon } = line.program;
  event.remote = daemon === 'smtp';
  event.protocol = daemon === 'lmtp' ? 'lmtp' : undefined;
  const dsnAt = text.lastIndexOf(', dsn=', statusAt);
  if (dsnAt > relayAt) event.dsn = text.slice(dsnAt + 6, statusAt);
  if (outcome !== 'sent') event.text = text.slice(wordEnd + 1);
  const message = memory.messages.get(line.queueId);
  if (message !== undefined) {
    event.client = message.client;
    event.account = message.account;
    event.user = message.user;
    event.sender = message.sender;
    event.reason = message.reason;
    sentOn(memory.trips, message.messageId, peerAt(text, relayAt + 9), event);
  }
  tell(event);
  return 'event';
};
