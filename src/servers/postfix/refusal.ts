/**
 * What a refusal means. `CODE ENHANCED <RECIPIENT>: TEXT; from=<…> to=<…> proto=… helo=<…>`: the sender, recipient and
 * HELO are the client's own words and may hold anything, but the fields stand in this order, and what a local part holds
 * stands in quotes. In the reply it does not: a recipient that imitates the fields harvests nobody.
 */
import type { EventDraft, Outcome, Reason } from '../../model/event.ts';
import { pathEnd } from '../path.ts';
import { between } from './line.ts';

type Meaning = { readonly outcome: Outcome; readonly reason?: Reason };

/** Phrases of Postfix's own refusals (smtpd_check.c, virtual and quota services); the first that fits is taken. */
const phrases: readonly (readonly [string, Meaning])[] = [
  ['User unknown', { outcome: 'unknown' }],
  ['user unknown', { outcome: 'unknown' }],
  ['undeliverable address', { outcome: 'unknown' }],
  ['nknown user', { outcome: 'unknown' }],
  ['o such user', { outcome: 'unknown' }],
  ['Relay access denied', { outcome: 'relay-denied' }],
  ['relay not permitted', { outcome: 'relay-denied' }],
  ['elaying denied', { outcome: 'relay-denied' }],
  ['Mailbox is full', { outcome: 'over-quota' }],
  ['uota', { outcome: 'over-quota' }],
  ['blocked using', { outcome: 'rejected', reason: 'blocklist' }],
  ['lacklisted', { outcome: 'rejected', reason: 'blocklist' }],
  ['locklisted', { outcome: 'rejected', reason: 'blocklist' }],
  ['Helo command rejected', { outcome: 'rejected', reason: 'helo' }],
  ['Domain not found', { outcome: 'rejected', reason: 'dns' }],
  ['cannot find your hostname', { outcome: 'rejected', reason: 'dns' }],
  ['cannot find your reverse hostname', { outcome: 'rejected', reason: 'dns' }],
  ['reylist', { outcome: 'deferred', reason: 'greylist' }],
  ['mproper', { outcome: 'rejected', reason: 'pipelining' }],
  ['bare <LF>', { outcome: 'rejected', reason: 'bare-newline' }],
  ['exceeds fixed limit', { outcome: 'rejected', reason: 'size' }],
];

/** The sender's domain or account, though it stands in a reply to RCPT: nothing is said of the recipient. */
const ofSender = ': Sender address rejected: ';
const senderPhrases: readonly (readonly [string, Meaning])[] = [
  ['Domain ', { outcome: 'rejected', reason: 'dns' }],
  ['Malformed DNS ', { outcome: 'rejected', reason: 'dns' }],
];

/** A policy service or a milter has words of its own; its status code says it as well (RFC 3463 §3.2). */
const byStatus = ({ kind, dsn }: EventDraft): Meaning | undefined =>
  kind === 'recipient' && dsn === '5.1.1' ? { outcome: 'unknown' } : undefined;

const isDigit = (text: string, at: number): boolean => text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57;

/** `5.1.1` at `at`, or undefined. */
const enhancedAt = (text: string, at: number): string | undefined => {
  if (!isDigit(text, at) || text.charCodeAt(at + 1) !== 46) return undefined;
  const end = text.indexOf(' ', at);
  return end < 0 || end - at > 9 ? undefined : text.slice(at, end);
};

/** Outcome, reason and status code of a reply: `550 5.1.1 <…>: TEXT`, `5.7.1 TEXT`. */
export const readReply = (event: EventDraft, words: string): void => {
  const temporary = words.charCodeAt(0) === 52;
  event.dsn = enhancedAt(words, isDigit(words, 1) ? 4 : 0);
  // The recipient in brackets is the client's word: the meaning stands behind it.
  const spoken = words.slice(words.indexOf('>: ') + 1);
  const found = spoken.startsWith(ofSender)
    ? senderPhrases.find(([phrase]) => spoken.startsWith(phrase, ofSender.length))?.[1]
    : (phrases.find(([phrase]) => spoken.includes(phrase))?.[1] ?? byStatus(event));
  event.reason = found?.reason;
  event.outcome = found?.outcome ?? 'rejected';
  if (temporary && (event.outcome === 'rejected' || event.outcome === 'unknown')) event.outcome = 'deferred';
  event.text = words;
};

/** The path behind `mark` at `at`, by its quotes; undefined when another thing than one of `next` follows it. */
const pathBehind = (text: string, mark: string, at: number, next: readonly string[]): string | undefined => {
  if (!text.startsWith(mark, at)) return undefined;
  const end = pathEnd(text, at + mark.length);
  return end >= 0 && next.some((start) => text.startsWith(start, end)) ? text.slice(at + mark.length, end) : undefined;
};

/** `; from=<…> to=<…> proto=… helo=<…>`, which begins at `at`. Before 3.5 local parts are not quoted: then the first marks. */
export const readFields = (event: EventDraft, text: string, at: number, comma: '' | ',' = ''): void => {
  const fields = text.slice(at);
  const [to, proto] = [`>${comma} to=<`, `>${comma} proto=`];
  const sender = pathBehind(fields, '; from=<', 0, [to, proto]);
  event.sender = sender ?? between(fields, '; from=<', to) ?? between(fields, '; from=<', proto);
  const senderEnd = sender === undefined ? 0 : '; from=<'.length + sender.length;
  const recipient = pathBehind(fields, to, senderEnd, [proto]);
  event.recipient = recipient ?? between(fields, to, proto, senderEnd);
  const recipientEnd = recipient === undefined ? senderEnd : senderEnd + to.length + recipient.length;
  readHelo(event, fields.slice(recipientEnd), comma);
};

/**
 * A HELO stands as it came and may hold brackets and spaces, so the `sasl_username=<…>` that some versions write behind it
 * names nobody: `EHLO x> sasl_username=<bob` looks the same. With a check of the message a reply follows it.
 */
const readHelo = (event: EventDraft, fields: string, comma: '' | ','): void => {
  const mark = `${comma} helo=<`;
  const helo = fields.indexOf(mark);
  if (helo < 0) return;
  const end = fields.endsWith('>') ? fields.length - 1 : fields.indexOf('>: ', helo);
  if (end >= 0) event.helo = fields.slice(helo + mark.length, end);
};

/** What Postfix itself says of a recipient; of a sender, a HELO or a client it says so too. */
const ofRecipient = ['>: Recipient address rejected', '>: Relay access denied'];

/**
 * `550 5.1.1 <RECIPIENT>: Recipient address rejected`: a line has 2000 characters (msg_syslog.c), and behind a long sender none
 * is left for the field `to=`.
 */
const recipientIn = (reply: string): string | undefined => {
  const open = reply.indexOf('<');
  return open > 0 && open < 13 ? pathBehind(reply, '<', open, ofRecipient) : undefined;
};

/**
 * Fills in outcome, reason, status code and the envelope.
 * @param from where the reply begins: `550 5.1.1 <…>: …`
 * @param comma what stands between the fields: nothing in smtpd and cleanup, a comma in postscreen
 */
export const readRefusal = (event: EventDraft, text: string, from: number, comma: '' | ',' = ''): void => {
  const start = text.charCodeAt(from) === 32 ? from + 1 : from;
  const tail = text.indexOf('; from=<', start);
  const reply = text.slice(start, tail < 0 ? undefined : tail);
  readReply(event, reply);
  if (tail >= 0) readFields(event, text, tail, comma);
  else event.recipient = between(text, '; to=<', '> proto='); // VRFY has no sender
  if (event.kind === 'recipient') event.recipient ??= recipientIn(reply);
};
