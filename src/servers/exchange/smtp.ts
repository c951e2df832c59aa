/**
 * The SMTP Receive protocol log: each command (`<`) and each reply (`>`) of a session, in order, so a reply belongs to the
 * oldest command that has none. The client is the remote endpoint column, which Exchange writes.
 */
import { canonicalAddress } from '../../model/address.ts';
import { draftEvent } from '../../model/event.ts';
import type { EventDraft, EventKind, Outcome, Reason } from '../../model/event.ts';
import { keep, keepIfAny } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import type { Recent } from '../recent.ts';

export type SmtpSession = {
  /** Commands that wait for their reply, oldest first. */
  pending: string[];
  sender: string | undefined;
  account: string | undefined;
  /** The name that a failed login tried, told in a line of its own. */
  tried: string | undefined;
  helo: string | undefined;
  recipients: number;
  /** Whom a front end speaks for. */
  proxied: string | undefined;
};

const pendingMax = 1000;
const commandLengthMax = 1000;

const newSession = (): SmtpSession => ({
  pending: [],
  sender: undefined,
  account: undefined,
  tried: undefined,
  helo: undefined,
  recipients: 0,
  proxied: undefined,
});

/** Address of `203.0.113.7:5555` or `[2001:db8::1]:5555`. */
export const endpointAddress = (endpoint: string): string | undefined => {
  const colon = endpoint.lastIndexOf(':');
  return colon < 0 ? undefined : canonicalAddress(endpoint.slice(0, colon));
};

type Meaning = readonly [Outcome, Reason?];
const phrases: readonly (readonly [string, Meaning])[] = [
  ['RecipientNotFound', ['unknown']],
  ['User unknown', ['unknown']],
  ['5.1.10', ['unknown']],
  ['5.1.1 ', ['unknown']],
  ['relay', ['relay-denied']],
  ['5.2.2', ['over-quota']],
  ['QuotaExceeded', ['over-quota']],
  ['blocked using', ['rejected', 'blocklist']],
  ['block list', ['rejected', 'blocklist']],
  ['blocklist', ['rejected', 'blocklist']],
];

const recipientMeaning = (reply: string): Meaning => {
  if (reply.startsWith('2')) return ['accepted'];
  if (reply.startsWith('4')) return ['deferred'];
  return phrases.find(([phrase]) => reply.includes(phrase))?.[1] ?? ['rejected'];
};

/** The path between the brackets of `RCPT TO:<…>`. */
const pathOf = (command: string): string => {
  const open = command.indexOf('<');
  const close = command.lastIndexOf('>');
  return open >= 0 && close > open ? command.slice(open + 1, close) : command.slice(command.indexOf(':') + 1).trim();
};

type Scene = {
  readonly time: number;
  readonly id: string;
  readonly client: string | undefined;
  readonly session: SmtpSession;
  readonly tell: Tell;
};

const draft = ({ time, id, client, session }: Scene, kind: EventKind): EventDraft => {
  const event = draftEvent(time, 'exchange', kind);
  event.client = client;
  event.session = id;
  event.account = session.account;
  event.helo = session.helo;
  event.protocol = 'smtp';
  return event;
};

const statusOf = (reply: string): string | undefined => /^\d{3} ([245]\.\d{1,3}\.\d{1,3})\b/.exec(reply)?.[1];

const tellRecipient = (scene: Scene, command: string, reply: string): void => {
  if (reply.startsWith('452 4.5.3')) {
    const limit = draft(scene, 'limit');
    limit.reason = 'recipients';
    limit.text = reply;
    scene.tell(limit);
    return;
  }
  const event = draft(scene, 'recipient');
  [event.outcome, event.reason] = recipientMeaning(reply);
  event.recipient = pathOf(command);
  event.sender = scene.session.sender;
  event.dsn = statusOf(reply);
  event.text = reply;
  if (event.outcome === 'accepted') scene.session.recipients++;
  scene.tell(event);
};

const authReasons: readonly (readonly [string, Reason])[] = [
  ['4', 'aborted'], // nobody could be asked
  ['501 5.7.0', 'aborted'],
  ['501', 'malformed'],
  ['504', 'malformed'],
  ['530', 'no-tls'],
  ['538', 'no-tls'],
];

const tellAuth = (scene: Scene, reply: string): void => {
  const { session } = scene;
  const event = draft(scene, 'auth');
  event.outcome = reply.startsWith('235') ? 'success' : 'failure';
  if (event.outcome === 'failure') {
    event.reason = authReasons.find(([start]) => reply.startsWith(start))?.[1] ?? 'bad-password';
    event.account = session.tried;
  }
  session.tried = undefined;
  event.text = reply;
  scene.tell(event);
};

/** A reply that refuses MAIL, EHLO, or the message itself. */
const tellRefused = (scene: Scene, kind: EventKind, reply: string): void => {
  const event = draft(scene, kind);
  event.outcome = reply.startsWith('4') ? 'deferred' : 'rejected';
  event.reason = reply.includes('5.3.4') ? 'size' : kind === 'other' ? 'content' : undefined;
  event.sender = kind === 'other' ? scene.session.sender : undefined;
  event.dsn = statusOf(reply);
  event.text = reply;
  scene.tell(event);
};

const tellMessage = (scene: Scene, reply: string): void => {
  const { session } = scene;
  if (reply.startsWith('250')) {
    const event = draft(scene, 'message');
    event.sender = session.sender;
    event.count = session.recipients;
    scene.tell(event);
  } else tellRefused(scene, 'other', reply);
  session.sender = undefined;
  session.recipients = 0;
};

/** What Exchange closes a connection for; its own load and its restart are no fault of the client. */
const closings: readonly (readonly [string, EventKind, Reason])[] = [
  ['from a single source', 'limit', 'concurrency'],
  ['Message submission rate', 'limit', 'message-rate'],
  ['Too many errors', 'command-error', 'too-many-errors'],
];

/** `421 4.x.x …`: answers the whole session, whatever was asked last. */
const tellClosing = (scene: Scene, reply: string): boolean => {
  const closing = closings.find(([words]) => reply.includes(words));
  if (closing === undefined) return false;
  const event = draft(scene, closing[1]);
  event.reason = closing[2];
  event.text = reply;
  scene.tell(event);
  return true;
};

/** The reply to the oldest command. True when it was told. */
const answer = (scene: Scene, command: string, reply: string): boolean => {
  const verb = command.slice(0, 5).trimEnd().toUpperCase();
  if (/^50[0235]/.test(reply) && verb !== 'AUTH') {
    const event = draft(scene, 'command-error');
    event.reason = reply.startsWith('503') ? 'syntax' : 'unknown-command';
    event.text = reply;
    scene.tell(event);
    return true;
  }
  const isRefused = /^[45]/.test(reply);
  if (verb.startsWith('RCPT')) tellRecipient(scene, command, reply);
  else if (isRefused && verb.startsWith('MAIL')) tellRefused(scene, 'sender', reply);
  else if (isRefused && (verb === 'EHLO' || verb === 'HELO')) tellRefused(scene, 'helo', reply);
  else if (verb.startsWith('AUTH')) tellAuth(scene, reply);
  else if (verb.startsWith('DATA') || verb.startsWith('BDAT')) tellMessage(scene, reply);
  else return false;
  return true;
};

/** The whole of it: a client can shift which reply belongs to which command, but no other command is answered so. */
const acceptedPattern = /^250 XProxy(?:From)? accepted/i;

/**
 * `XPROXYFROM SID=… IP=203.0.113.7 PORT=… DOMAIN=…`, by which a front end hands a client on: only when Exchange takes it,
 * and it takes it from its own servers alone.
 */
const readProxied = (session: SmtpSession, command: string, reply: string): Understood => {
  if (acceptedPattern.test(reply)) {
    session.proxied = keepIfAny(canonicalAddress(/ IP=([\w.:]{2,45})(?: |$)/.exec(command)?.[1] ?? ''));
    session.account = undefined; // the front end's own
    session.helo = undefined;
  }
  return 'known';
};

const readReply = (scene: Scene, reply: string): Understood => {
  if (reply.charCodeAt(3) === 45) return 'known'; // more lines of this reply follow
  if (reply.startsWith('421')) return tellClosing(scene, reply) ? 'event' : 'known';
  const { session } = scene;
  const [command] = session.pending;
  if (command === undefined) return 'known'; // the greeting
  if (reply.startsWith('334') || reply.startsWith('354')) return 'known'; // the command goes on
  session.pending.shift();
  if (/^XPROXY(?:FROM)? /i.test(command)) return readProxied(session, command, reply);
  if (command.toUpperCase().startsWith('MAIL ') && reply.startsWith('2')) session.sender = keep(pathOf(command));
  return answer(scene, command, reply) ? 'event' : 'known';
};

const readCommand = (session: SmtpSession, command: string): Understood => {
  // What a client sends inside AUTH is not a command; Exchange does not log it in the clear.
  if (session.pending[0]?.toUpperCase().startsWith('AUTH') === true && !/^[A-Z]{4}\b/i.test(command)) return 'known';
  if (session.pending.length < pendingMax) session.pending.push(keep(command.slice(0, commandLengthMax)));
  if (/^(?:EHLO|HELO) /i.test(command)) session.helo = keep(command.slice(5));
  return 'known';
};

const refusedPattern =
  /^Inbound authentication failed because the client (.{1,300}) doesn't have submission permission/;

/** What Exchange says of the session in its own words; a name in them is the one that was tried. */
const readNote = (scene: Scene, note: string): Understood => {
  const tried = note.startsWith('User Name: ') ? note.slice('User Name: '.length) : refusedPattern.exec(note)?.[1];
  if (tried !== undefined) scene.session.tried = keep(tried);
  if (!note.startsWith('TLS negotiation failed')) return 'known';
  const event = draft(scene, 'tls');
  event.outcome = 'failure';
  event.text = note;
  scene.tell(event);
  return 'event';
};

/** @param fields date-time, connector-id, session-id, sequence-number, local-endpoint, remote-endpoint, event, data, context */
export const readSmtp = (
  time: number,
  fields: readonly string[],
  sessions: Recent<SmtpSession>,
  tell: Tell,
): Understood => {
  const [, , id = '', , , remote = '', mark = '', data = '', context = ''] = fields;
  const session = sessions.get(id) ?? newSession();
  const client = session.proxied ?? keepIfAny(endpointAddress(remote));
  sessions.set(keep(id), session);
  const scene: Scene = { time, id, client, session, tell };
  switch (mark) {
    case '+':
      tell(draft(scene, 'connect'));
      return 'event';
    case '-':
      sessions.delete(id);
      tell(draft(scene, 'disconnect'));
      return 'event';
    case '<':
      return readCommand(session, data);
    case '>':
      return readReply(scene, data);
    case '*':
      if (context === 'authenticated') session.account = keep(data);
      return readNote(scene, data === '' ? context : data);
    default:
      return 'unmatched';
  }
};
