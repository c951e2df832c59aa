/** Lines of one message: `<=` arrival, `=>` `->` `>>` `*>` delivery, `**` failure, `==` delay, and what the queue did with it. */
import { draftEvent } from '../../model/event.ts';
import type { EventDraft, EventKind, Outcome, Protocol } from '../../model/event.ts';
import { keep, keepIfAny } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { directoryMark } from '../../model/event.ts';
import { cameBack, sentOn } from '../trips.ts';
import { quoteEnd } from '../path.ts';
import { hostAt } from './host.ts';
import type { EximMemory, Message } from './memory.ts';

/** The value of ` NAME=` up to the next space. Only for items that come before anything a client wrote. */
const item = (text: string, name: string, from = 0): string | undefined => {
  const at = text.indexOf(` ${name}=`, from);
  if (at < 0) return undefined;
  const start = at + name.length + 2;
  const end = text.indexOf(' ', start);
  return text.slice(start, end < 0 ? undefined : end);
};

const draft = (time: number, kind: EventKind, id: string, message: Message | undefined): EventDraft => {
  const event = draftEvent(time, 'exim', kind);
  event.queueId = id;
  event.client = message?.client;
  event.account = message?.account;
  event.sender = message?.sender;
  event.user = message?.user;
  event.reason = message?.reason;
  return event;
};

/** The part of an arrival line that Exim wrote itself: the subject and the message id are the sender's. */
const ownPart = (text: string): string => {
  const end = [' T="', ' id='].map((mark) => text.indexOf(mark)).filter((at) => at >= 0);
  return end.length === 0 ? text : text.slice(0, Math.min(...end));
};

const recipientsIn = (text: string): number | undefined => {
  const at = text.lastIndexOf(' for ');
  return at < 0 ? undefined : text.slice(at + 5).split(' ').length;
};

/**
 * `A=authenticator:login`; the authenticator alone names nobody. What stands before it of TLS (SNI, DN) is the client's
 * own: only the protocol, which stands before that, says whether there was a login.
 */
const loginIn = (items: string): string | undefined => {
  if (!/^(?:utf8)?e?smtps?a/.test(item(items, 'P') ?? '')) return undefined;
  const at = items.lastIndexOf(' A=');
  const colon = at < 0 ? -1 : items.indexOf(':', at);
  if (colon < 0) return undefined;
  const end = items.indexOf(' ', colon);
  return keep(items.slice(colon + 1, end < 0 ? undefined : end));
};

const protocolOf = (word: string): Protocol => {
  if (/^(?:utf8)?local/.test(word)) return 'local';
  return word.includes('a') ? 'submission' : 'smtp'; // esmtpa, esmtpsa
};

/** A bounce answers for whom the message answers that it bounces. */
const bounceOf = (owner: Message | undefined): Message => ({
  client: owner?.client,
  account: owner?.account,
  user: owner?.user,
  sender: '',
  reason: 'bounce',
  protocol: 'local',
  messageId: undefined,
});

const arrivalOf = (rest: string, memory: EximMemory): Message => {
  // A quoted local part may hold spaces, and what looks like the items behind it.
  const space = rest.indexOf(' ', quoteEnd(rest, 0));
  const sender = keep(rest.slice(0, space < 0 ? undefined : space));
  const own = ownPart(space < 0 ? '' : rest.slice(space));
  if (sender === '<>' && own.startsWith(' R=')) return bounceOf(memory.messages.get(item(own, 'R') ?? ''));
  const host = own.startsWith(' H=') ? hostAt(own, 3) : undefined;
  // A HELO may imitate the items too: they stand behind the address.
  const items = host === undefined ? own : own.slice(host.end ?? own.length);
  const protocol = protocolOf(item(items, 'P') ?? '');
  return {
    client: keepIfAny(host?.client),
    account: loginIn(items),
    sender: sender === '<>' ? '' : sender,
    user: protocol === 'local' ? keepIfAny(item(items, 'U')) : undefined,
    reason: undefined,
    protocol,
    messageId: keepIfAny(item(rest, 'id', space)),
  };
};

const readArrival = (
  time: number,
  id: string,
  rest: string,
  memory: EximMemory,
  tell: Tell,
  directory: string | undefined,
): Understood => {
  const message = arrivalOf(rest, memory);
  memory.messages.set(id, message);
  const event = draft(time, 'message', id, message);
  event.protocol = message.protocol;
  if (message.user !== undefined && directory !== undefined) event.text = `${directoryMark}${directory}`;
  const size = item(rest, 'S');
  if (size !== undefined && !Number.isNaN(Number(size))) event.size = Number(size);
  event.count = recipientsIn(rest);
  cameBack(memory.trips, message.messageId, event);
  if (message.account !== undefined && message.reason === undefined) {
    const login = draft(time, 'auth', id, message);
    login.outcome = 'success';
    login.sender = undefined;
    tell(login);
  }
  tell(event);
  return 'event';
};

const outcomes = new Map<string, Outcome>([
  ['=>', 'sent'],
  ['->', 'sent'],
  ['>>', 'sent'],
  ['*>', 'sent'],
  ['(=', 'sent'],
  ['**', 'bounced'],
  ['==', 'deferred'],
]);

const transportIsRemote = (rest: string): boolean | undefined => {
  const transport = item(rest, 'T');
  if (transport === undefined) return undefined;
  return transport.includes('smtp') && !transport.includes('lmtp');
};

/** `5.1.1` in the receiver's answer, or what the words mean when it gave none. */
const statusIn = (words: string): string | undefined => {
  const found = /\b([245]\.\d{1,3}\.\d{1,3})\b/.exec(words.slice(0, 1000))?.[1];
  if (found !== undefined) return found;
  return /unknown user|no such user|user unknown|unrouteable|no such (?:person|recipient|mailbox)/i.test(words)
    ? '5.1.1'
    : undefined;
};

/** Where Exim's own items begin: the address, and the one it replaced, come first. */
const addressEnd = (rest: string): number => {
  const quoted = quoteEnd(rest, 0);
  const found = [' R=', ' T=', ' F=<', ' P=<', ': ', ' routing defer']
    .map((mark) => rest.indexOf(mark, quoted))
    .filter((at) => at >= 0);
  return found.length === 0 ? rest.length : Math.min(...found);
};

const readAddress = (event: EventDraft, text: string): void => {
  const open = text.indexOf(' <');
  const replaced = open < 0 ? undefined : text.slice(open + 2, text.endsWith('>') ? -1 : undefined);
  const address = open < 0 ? text : text.slice(0, open);
  if (address.startsWith(':') && replaced !== undefined) {
    event.recipient = replaced; // :blackhole:, :fail: and their kin are no addresses
    return;
  }
  event.recipient = address;
  if (replaced !== undefined && replaced.includes('@')) event.origin = replaced;
};

const readDelivery = (
  time: number,
  id: string,
  outcome: Outcome,
  rest: string,
  memory: EximMemory,
  tell: Tell,
): Understood => {
  if (rest.startsWith('blackhole (')) return 'known'; // an ACL discarded it; no address holds a space outside of quotes
  const message = memory.messages.get(id);
  const event = draft(time, 'delivery', id, message);
  const end = addressEnd(rest);
  readAddress(event, rest.slice(0, end));
  event.outcome = outcome;
  event.remote = transportIsRemote(rest.slice(end)) ?? false;
  if (outcome !== 'sent') {
    event.text = rest.slice(end);
    event.dsn = statusIn(event.text);
  } else event.dsn = '2.0.0';
  const host = rest.indexOf(' H=', end);
  if (host >= 0) sentOn(memory.trips, message?.messageId, hostAt(rest, host + 3).client, event);
  tell(event);
  return 'event';
};

const queueWords: readonly (readonly [string, EventDraft['reason']])[] = [
  ['frozen by ', 'frozen'],
  ['Frozen', 'frozen'],
  ['frozen', 'frozen'],
  ['removed by ', 'removed'],
  ['cancelled by ', 'removed'],
];

const knownWords = [
  'Message is frozen',
  'Unfrozen',
  'unfrozen',
  'Spool file is locked',
  'Completed',
  'Warning: ',
  'U=',
  'retry',
  'no immediate delivery',
  'no recipients',
  'SMTP error',
  'Remote host',
  'TLS ',
  'TLS: ',
  'discarded by',
  'Format error',
  'Message removed because',
  'error message sent to',
  'Data file',
  'PRDR ',
  '*** ',
  'ACL ',
  'acl ',
  'spam acl',
  'regex acl',
  'mime',
  'SMTP timeout',
  'LMTP',
  'delivery ',
  'was previously',
  'errors_copy',
  'could not be ',
  'transport ',
  'lowest numbered MX',
  '"',
  'Error while',
  'remote host',
  'error ignored',
  'DKIM',
  'PRDR',
  'DSN:',
  'tagged ',
  'malware',
  'log string overflow',
];

/** @param text what stands behind the message id
 * @param directory where the command stood that handed it in */
export const readMessageLine = (
  time: number,
  id: string,
  text: string,
  memory: EximMemory,
  tell: Tell,
  directory?: string,
): Understood | undefined => {
  const mark = text.slice(0, 2);
  if (text.charCodeAt(2) === 32) {
    const rest = text.slice(3);
    if (mark === '<=') return readArrival(time, id, rest, memory, tell, directory);
    const outcome = outcomes.get(mark);
    if (outcome !== undefined) return readDelivery(time, id, outcome, rest, memory, tell);
  }
  if (text === 'Completed' || text.startsWith('Completed ')) {
    memory.messages.delete(id);
    return 'known';
  }
  const word = queueWords.find(([start]) => text.startsWith(start));
  if (word !== undefined) {
    const event = draft(time, 'queue', id, memory.messages.get(id));
    event.reason = word[1];
    event.text = text;
    tell(event);
    return 'event';
  }
  return knownWords.some((start) => text.startsWith(start)) ? 'known' : undefined;
};
