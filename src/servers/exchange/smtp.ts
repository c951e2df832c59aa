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
  helo: string | undefined;
  recipients: number;
};

const pendingMax = 1000;
const commandLengthMax = 1000;

const newSession = (): SmtpSession => ({
  pending: [],
  sender: undefined,
  account: undefined,
  helo: undefined,
  recipients: 0,
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
  event.protocol = 'smtp';
  return event;
};

const tellRecipient = (scene: Scene, command: string, reply: string): void => {
  const event = draft(scene, 'recipient');
  [event.outcome, event.reason] = recipientMeaning(reply);
  event.recipient = pathOf(command);
  event.sender = scene.session.sender;
  event.dsn = reply.split(' ', 2)[1];
  event.text = reply;
  if (event.outcome === 'accepted') scene.session.recipients++;
  scene.tell(event);
};

const tellAuth = (scene: Scene, reply: string): void => {
  const event = draft(scene, 'auth');
  event.outcome = reply.startsWith('235') ? 'success' : 'failure';
  if (event.outcome === 'failure') event.reason = reply.startsWith('501') ? 'malformed' : 'bad-password';
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
  }
  session.sender = undefined;
  session.recipients = 0;
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
  if (verb.startsWith('RCPT')) tellRecipient(scene, command, reply);
  else if (verb.startsWith('AUTH')) tellAuth(scene, reply);
  else if (verb.startsWith('DATA') || verb.startsWith('BDAT')) tellMessage(scene, reply);
  else return false;
  return true;
};

const readReply = (scene: Scene, reply: string): Understood => {
  if (reply.charCodeAt(3) === 45) return 'known'; // more lines of this reply follow
  const { session } = scene;
  const [command] = session.pending;
  if (command === undefined) return 'known'; // the greeting
  if (reply.startsWith('334') || reply.startsWith('354')) return 'known'; // the command goes on
  session.pending.shift();
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

/** @param fields date-time, connector-id, session-id, sequence-number, local-endpoint, remote-endpoint, event, data, context */
export const readSmtp = (
  time: number,
  fields: readonly string[],
  sessions: Recent<SmtpSession>,
  tell: Tell,
): Understood => {
  const [, , id = '', , , remote = '', mark = '', data = '', context = ''] = fields;
  const client = keepIfAny(endpointAddress(remote));
  const session = sessions.get(id) ?? newSession();
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
      return 'known';
    default:
      return 'unmatched';
  }
};
