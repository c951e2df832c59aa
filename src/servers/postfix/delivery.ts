/** Lines of the delivery agents: `QUEUEID: to=<…>, orig_to=<…>, relay=…, delay=…, delays=…, dsn=2.0.0, status=sent (…)`. */
import type { EventDraft, Outcome } from '../../model/event.ts';
import { keep } from '../../model/keep.ts';
import { sentOn } from '../trips.ts';
import { pathEnd } from '../path.ts';
import { draft, peerAt } from './line.ts';
import type { DaemonReader, Line } from './line.ts';
import { newMessage } from './memory.ts';
import type { Message, PostfixMemory } from './memory.ts';

const outcomes = new Map<string, Outcome>([
  ['sent', 'sent'],
  ['bounced', 'bounced'],
  ['deferred', 'deferred'],
  ['expired', 'expired'],
]);
/** What an address verification probe, or `sendmail -bv`, found: nobody's mail came or went. */
const probes: ReadonlySet<string> = new Set(['deliverable', 'undeliverable']);

/** The hop to a content filter on this host (amavis and its kin listen here) is not a delivery: the message comes back. */
const isFilterHop = (relay: string): boolean => /^127\.0\.0\.1\[127\.0\.0\.1\]:100[23]\d$/.test(relay);

const knownStarts = [
  'host ',
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
  'passing ',
  'replacing command',
  'refused to talk',
  'breaking line ',
  'Server certificate ',
  'server ',
  'client TLS ',
  'SMTPS wrappermode',
  'authentication protocol loop',
  'local data error',
  'network address conversion',
  'no TLSA ',
  'Verified: ',
  'Trusted: ',
  'TLS is required',
  'TLSA ',
  'SMTPUTF8 ',
  'Using ',
  'SASL ',
  'mail for ',
  'mail forwarding loop',
  'unable to look up ',
  'no MX host ',
  'numeric domain name',
  'replacing server reply',
  'discarding EHLO keywords',
  // smtp_header_checks and their kin
  'replace: ',
  'prepend: ',
  'warning ',
  'info: ',
  'strip: ',
];

const answerFor = (event: EventDraft, message: Message | undefined): void => {
  if (message === undefined) return;
  event.client = message.client;
  event.account = message.account;
  event.user = message.user;
  event.sender = message.sender;
  event.reason = message.reason;
  if (message.reason === undefined) event.origin ??= message.origin;
};

/** `status=sent (forwarded as NEWID)`, local(8): what the new message does is this one's owner's. */
const followForward = (line: Line, status: string, recipient: string, memory: PostfixMemory): void => {
  const next = /^sent \(forwarded as ([0-9A-Za-z]{5,20})\)$/.exec(status)?.[1];
  if (next === undefined) return;
  const message = memory.messages.get(next) ?? newMessage();
  message.told = true; // the same message goes on
  const parent = memory.messages.get(line.queueId);
  message.client ??= parent?.client;
  message.account ??= parent?.account;
  message.user ??= parent?.user;
  message.messageId ??= parent?.messageId;
  message.origin ??= keep(recipient);
  memory.messages.set(keep(next), message);
};

/** Before 2.3 no `dsn=` stands there: the code that the other host said, or what the words mean. */
const statusIn = (words: string, outcome: Outcome): string | undefined => {
  if (outcome === 'sent') return '2.0.0';
  const code = /(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(words.slice(0, 1000))?.[1];
  return (
    code ?? (outcome === 'bounced' && /unknown user|user unknown/i.test(words.slice(0, 1000)) ? '5.1.1' : undefined)
  );
};

type Place = { readonly recipient: string; readonly origin: string | undefined; readonly relayAt: number };

/** `to=<RECIPIENT>, orig_to=<ORIGIN>, relay=…`: the paths by their quotes, because a client wrote them. */
const placeOf = (text: string): Place | undefined => {
  const end = pathEnd(text, 4);
  const hasOrigin = end >= 0 && text.startsWith('>, orig_to=<', end);
  const relayAt = end < 0 ? -1 : text.indexOf('>, relay=', hasOrigin ? pathEnd(text, end + 12) : end);
  if (relayAt < 0) return undefined;
  if (!hasOrigin) return { recipient: text.slice(4, relayAt), origin: undefined, relayAt };
  return { recipient: text.slice(4, end), origin: text.slice(end + 12, relayAt), relayAt };
};

const isKnown = (text: string): boolean => knownStarts.some((start) => text.startsWith(start));

export const readDelivery: DaemonReader = (line, memory, tell) => {
  const { text } = line;
  if (!text.startsWith('to=<') || line.queueId === '') return isKnown(text) ? 'known' : 'unmatched';
  const place = placeOf(text);
  const statusAt = place === undefined ? -1 : text.indexOf(', status=', place.relayAt);
  if (place === undefined || statusAt < 0) return 'unmatched';
  const status = text.slice(statusAt + 9);
  const wordEnd = status.indexOf(' ');
  const word = wordEnd < 0 ? status : status.slice(0, wordEnd);
  const outcome = outcomes.get(word);
  if (outcome === undefined) return probes.has(word) ? 'known' : 'unmatched';
  const relayEnd = text.indexOf(', ', place.relayAt + 9);
  if (isFilterHop(text.slice(place.relayAt + 9, relayEnd))) return 'known';
  const event = draft(line, 'delivery');
  event.outcome = outcome;
  event.recipient = place.recipient;
  event.origin = place.origin;
  const { daemon } = line.program;
  event.remote = daemon === 'smtp';
  event.protocol = daemon === 'lmtp' ? 'lmtp' : undefined;
  const dsnAt = text.lastIndexOf(', dsn=', statusAt);
  event.dsn = dsnAt > place.relayAt ? text.slice(dsnAt + 6, statusAt) : statusIn(status, outcome);
  if (outcome !== 'sent') event.text = status.slice(wordEnd + 1);
  const message = memory.messages.get(line.queueId);
  answerFor(event, message);
  if (message !== undefined) sentOn(memory.trips, message.messageId, peerAt(text, place.relayAt + 9), event);
  if (daemon === 'local') followForward(line, status, event.recipient, memory);
  tell(event);
  return 'event';
};
