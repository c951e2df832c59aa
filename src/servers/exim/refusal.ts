/**
 * What Exim refused: `H=HOST [X=TLS] F=<SENDER> [A=AUTH:LOGIN] [temporarily] rejected WHAT: TEXT`. The sender, and in some
 * configurations the HELO, may imitate all of it: where two places look like the frame, no account is named, and a client
 * only when the whole line holds one.
 */
import { draftEvent } from '../../model/event.ts';
import type { EventDraft, EventKind, Outcome, Reason } from '../../model/event.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { pathEnd } from '../path.ts';
import { hostAt, namesAnother, nobody } from './host.ts';
import type { Host } from './host.ts';

type Meaning = readonly [Outcome, Reason?];
/** Phrases of Exim's default, Debian's and cPanel's ACLs and routers; the first that fits is taken. */
const phrases: readonly (readonly [string, Meaning])[] = [
  ['sender verify', ['rejected', 'dns']],
  ['no such user', ['unknown']],
  ['unrouteable', ['unknown']],
  ['unknown user', ['unknown']],
  ['user unknown', ['unknown']],
  ['no such person', ['unknown']],
  ['no such recipient', ['unknown']],
  ['no such address', ['unknown']],
  ['no such mailbox', ['unknown']],
  ['no mailbox here', ['unknown']],
  ['unknown address', ['unknown']],
  ['unknown recipient', ['unknown']],
  ['recipient unknown', ['unknown']],
  ['may not exist', ['unknown']],
  ['mailbox unavailable', ['unknown']],
  ['verification failed for <', ['unknown']],
  ['relay not permitted', ['relay-denied']],
  ['not permitted to relay', ['relay-denied']],
  ['relaying denied', ['relay-denied']],
  ['relay access denied', ['relay-denied']],
  ['quota', ['over-quota']],
  ['mailbox is full', ['over-quota']],
  ['mailbox full', ['over-quota']],
  ['greylist', ['deferred', 'greylist']],
  ['dnsbl', ['rejected', 'blocklist']],
  ['black list', ['rejected', 'blocklist']],
  ['blacklist', ['rejected', 'blocklist']],
  ['spamhaus', ['rejected', 'blocklist']],
  ['rbl', ['rejected', 'blocklist']],
  ['helo', ['rejected', 'helo']],
  ['message too big', ['rejected', 'size']],
];

const meaningOf = (words: string): Meaning => {
  const small = words.slice(0, 500).toLowerCase();
  return phrases.find(([phrase]) => small.includes(phrase))?.[1] ?? ['rejected'];
};

export const tellOf = (
  time: number,
  kind: EventKind,
  host: Host,
  tell: Tell,
  fill?: (event: EventDraft) => void,
): Understood => {
  const event = draftEvent(time, 'exim', kind);
  event.client = host.client;
  event.helo = host.helo;
  event.protocol = 'smtp';
  fill?.(event);
  tell(event);
  return 'event';
};

type Frame = {
  /** Where the host item has ended. */
  readonly hostEnd: number;
  readonly sender: string | undefined;
  readonly account: string | undefined;
  /** Where WHAT begins. */
  readonly words: number;
  readonly temporary: boolean;
};

const framesMax = 8;
const loginLengthMax = 300;
const verdictPattern = /^>(?: A=([^ :]{1,80})(?::([^[]{0,300}?))?)? (temporarily )?rejected /;

const frameAt = (text: string, at: number): Frame | undefined => {
  const end = pathEnd(text, at + 4);
  if (end < 0) return undefined;
  const found = verdictPattern.exec(text.slice(end, end + loginLengthMax + 120));
  if (found === null) return undefined;
  const [whole, , account, temporary] = found;
  return {
    hostEnd: at,
    sender: text.slice(at + 4, end),
    account,
    words: end + whole.length,
    temporary: temporary !== undefined,
  };
};

/** `H=HOST [temporarily] rejected …`, of a command before MAIL was taken. */
const plainAt = (text: string, at: number): Frame => {
  const temporary = text.startsWith(' temporarily', at);
  const words = at + (temporary ? ' temporarily rejected '.length : ' rejected '.length);
  return { hostEnd: at, sender: undefined, account: undefined, words, temporary };
};

/** Found by its look, where nobody knows yet where the host ends: it names no account. */
const roughFrame = (text: string): Frame | undefined => {
  let found: Frame | undefined;
  let at = text.indexOf(' F=<');
  for (let frames = 0; at >= 0 && frames < framesMax; frames++, at = text.indexOf(' F=<', at + 4)) {
    const frame = frameAt(text, at);
    if (frame === undefined) continue;
    // One behind another `F=<`, or with a verdict in its sender, may be a HELO's that swallowed the real one.
    const isClear = frames === 0 && frame.sender?.includes(' rejected ') !== true;
    if (!isClear) return { ...(found ?? frame), hostEnd: text.length, account: undefined };
    found = { ...frame, account: undefined };
  }
  if (found !== undefined) return found;
  const rejected = text.indexOf(' rejected ');
  if (rejected < 0) return undefined;
  const temporary = text.slice(0, rejected).endsWith(' temporarily');
  return { hostEnd: text.length, sender: undefined, account: undefined, words: rejected + 10, temporary };
};

/** One of Exim's own items behind the host: `:PORT`, `I=`, `U=`, `X=`, `CV=`, and what is the client's (`DN=`, `SNI=`) without a blank. */
const itemPattern = /^(?::\d{1,5}| (?!F=)[A-Z][A-Za-z]{0,4}=(?:"[^"\s]{0,300}"|[^"\s]\S{0,300}))(?= )/;
const itemsMax = 10;
const verdictStart = /^ (?:F=<|rejected |temporarily rejected )/;

/**
 * Where the verdict has to stand. Behind other words (`Warning: …`, `sender verify fail for <…>`) stands none, whatever a client
 * put into them; behind a certificate's name with a blank it is found by its look.
 */
const frameBehind = (text: string, { end }: Host, rough: Frame | undefined): Frame | undefined => {
  if (end === undefined) return rough;
  let at = end;
  for (let count = 0; count < itemsMax; count++) at += itemPattern.exec(text.slice(at, at + 400))?.[0].length ?? 0;
  if (text.startsWith(' DN=', at) || text.startsWith(' SNI=', at)) return rough;
  if (!verdictStart.test(text.slice(at, at + 30))) return undefined;
  return text.startsWith(' F=<', at) ? frameAt(text, at) : plainAt(text, at);
};

/** The message was there, whole or in part, when it was refused. */
const contentStages = ['after DATA', 'during MIME ACL', 'by local_scan', 'by non-SMTP ACL'];

const kindOf = (what: string): EventKind => {
  if (what.startsWith('RCPT ')) return 'recipient';
  if (what.startsWith('MAIL')) return 'sender';
  if (what.startsWith('EHLO') || what.startsWith('HELO')) return 'helo';
  if (!what.startsWith('connection in "connect" ACL') && !what.startsWith("'connect' ACL")) return 'other';
  return /rate|too many|limit/i.test(what.slice(0, 300)) ? 'limit' : 'connect';
};

/** `<ADDRESS>: TEXT` behind the command. */
const addressIn = (what: string): string => {
  if (what.charCodeAt(5) !== 60) return what.slice(5).split(':')[0] ?? '';
  const end = pathEnd(what, 6);
  return what.slice(6, end < 0 ? undefined : end);
};

const outcomeOf = (kind: EventKind, outcome: Outcome, temporary: boolean): Outcome => {
  if (kind !== 'recipient') return temporary ? 'deferred' : 'rejected';
  return temporary && (outcome === 'rejected' || outcome === 'unknown') ? 'deferred' : outcome;
};

const reasonOf = (kind: EventKind, what: string, reason: Reason | undefined): Reason | undefined => {
  if (kind === 'limit') return 'connection-rate';
  if (kind === 'connect') return undefined;
  return contentStages.some((stage) => what.startsWith(stage)) && reason !== 'size' ? 'content' : reason;
};

const knownMarks = [
  ' Warning: ',
  ' sender verify',
  ' incomplete transaction',
  ' no IP address found',
  ' discarded ',
  ' Connection refused',
  ' TLS',
];

/** `H=HOST dropped by 'connect' ACL: TEXT`, before TLS: no client has said anything yet. */
const droppedPattern = /^[^"<(]{0,200} dropped by 'connect' ACL/;

const readDropped = (time: number, text: string, tell: Tell): Understood | undefined => {
  if (!text.includes(" dropped by 'connect' ACL")) return undefined;
  const host = hostAt(text, 2);
  const found = host.end === undefined ? null : droppedPattern.exec(text.slice(host.end, host.end + 300));
  if (host.end === undefined || found === null) return undefined;
  const what = text.slice(host.end + found[0].length - "'connect' ACL".length);
  const kind = kindOf(what);
  return tellOf(time, kind, host, tell, (event) => {
    event.outcome = 'rejected';
    event.reason = reasonOf(kind, what, undefined);
    event.text = what;
  });
};

/** Lines that begin with the host: `H=…`. */
export const readRefusal = (time: number, text: string, tell: Tell): Understood => {
  const dropped = readDropped(time, text, tell);
  if (dropped !== undefined) return dropped;
  const rough = roughFrame(text);
  const first = hostAt(text, 2, rough?.hostEnd);
  const frame = frameBehind(text, first, rough);
  if (frame === undefined)
    return knownMarks.some((mark) => text.includes(mark)) || first.client !== undefined ? 'known' : 'unmatched';
  const what = text.slice(frame.words);
  // A path is the client's in any case; behind it, and without one, stand the ACL's words.
  const pathTo = what.charCodeAt(5) === 60 ? pathEnd(what, 6) : 0;
  const isDoubted = first.helo !== undefined && namesAnother(what, Math.max(0, pathTo), first.client);
  const host = isDoubted ? nobody : first;
  const kind = kindOf(what);
  const [outcome, reason]: Meaning = meaningOf(what.slice(what.indexOf('>: ') + 1));
  return tellOf(time, kind, host, tell, (event) => {
    event.outcome = outcomeOf(kind, outcome, frame.temporary);
    event.reason = reasonOf(kind, what, reason);
    event.sender = frame.sender;
    event.account = isDoubted ? undefined : frame.account;
    event.text = what;
    event.dsn = /^[^:]*: (?:\d{3} )?([245]\.\d{1,3}\.\d{1,3}) /.exec(what.slice(0, 500))?.[1];
    // An ACL may have words of its own: the status code says it as well (RFC 3463 §3.2).
    const isPlain = event.outcome === 'rejected' && event.reason === undefined;
    if (kind === 'recipient' && isPlain && event.dsn === '5.1.1') event.outcome = 'unknown';
    if (kind === 'recipient') event.recipient = addressIn(what);
    if (kind === 'sender' && what.startsWith('MAIL <')) event.sender ??= addressIn(what);
  });
};

/** `rejected from <SENDER> H=…: message too big: …`, told at the end of the message; from the machine itself with `U=…`. */
export const readTooBad = (time: number, text: string, tell: Tell): Understood => {
  const end = pathEnd(text, 'rejected from <'.length);
  const host = text.startsWith('> H=', end) ? hostAt(text, end + 4) : nobody;
  return tellOf(time, 'other', host, tell, (event) => {
    event.outcome = 'rejected';
    event.reason = text.includes(': message too big', end) ? 'size' : 'content';
    event.sender = end < 0 ? undefined : text.slice('rejected from <'.length, end);
    event.text = text;
    if (host.client === undefined) event.protocol = undefined;
  });
};
