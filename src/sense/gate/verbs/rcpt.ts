/**
 * RCPT (RFC 5321 §4.1.1.3): the cheapest refusals first. A stranger's foreign domain is refused before anything is asked
 * elsewhere; the judge is asked before the server behind the gate, so that a proven harvester hears the same for every name.
 */
import { domainOf } from '../../../model/address.ts';
import type { Outcome } from '../../../model/event.ts';
import type { Command, Parameters } from '../../../protocols/smtp/command.ts';
import { reply } from '../../../protocols/smtp/reply.ts';
import type { SmtpReply } from '../../../protocols/smtp/reply.ts';
import { backendDown, countError, judge, linkOf, loseLink, settle, tellOf } from '../session.ts';
import type { Addressed } from '../destination.ts';
import type { Answer, GateDesk, Session, Transaction } from '../session.ts';
import { bounceRefusal, originRefusal } from './unwanted.ts';

const outcomeOfDsn = new Map<string, Outcome>([
  ['5.1.0', 'unknown'],
  ['5.1.1', 'unknown'],
  ['5.1.6', 'unknown'],
  ['5.2.2', 'over-quota'],
  ['4.2.2', 'over-quota'],
]);
/** Where a server gives no enhanced code (RFC 5321 §4.2.3). */
const outcomeOfCode = new Map<number, Outcome>([
  [550, 'unknown'],
  [551, 'unknown'],
  [552, 'over-quota'],
  [553, 'unknown'],
]);

/** What an answer from behind the gate means (RFC 3463). */
const outcomeOf = ({ code, lines: [line = ''] }: SmtpReply): Outcome => {
  if (code < 300) return 'accepted';
  const dsn = /^[45]\.\d{1,3}\.\d{1,3}/.exec(line)?.[0];
  if (dsn !== undefined && outcomeOfDsn.has(dsn)) return outcomeOfDsn.get(dsn) ?? 'rejected';
  if (code < 500) return 'deferred';
  if (/relay/i.test(line)) return 'relay-denied';
  return (dsn === undefined ? outcomeOfCode.get(code) : undefined) ?? 'rejected';
};

const tellOutcome = (session: Session, desk: GateDesk, path: string, outcome: Outcome, text?: string): void =>
  tellOf(session, desk, 'recipient', (event) => {
    event.sender = session.transaction?.sender;
    event.recipient = path;
    event.outcome = outcome;
    event.text = text;
    // What we found out about the sender's domain, and no server behind us.
    if (text?.startsWith('5.1.8 ') === true && outcome === 'rejected') event.reason = 'dns';
  });

/** MAIL goes through with the first recipient that deserves it. */
const pass = async (
  session: Session,
  desk: GateDesk,
  transaction: Transaction,
  rcpt: Addressed,
): Promise<SmtpReply> => {
  const link = await linkOf(session, desk);
  if (transaction.begun === true) return link.rcpt(rcpt);
  const { sender, parameters } = transaction;
  const signed = session.account === undefined ? sender : desk.signature?.sign(sender, Date.now());
  const { heard, begun } = await link.begin({ path: signed ?? sender, parameters }, rcpt);
  transaction.begun = begun;
  return heard;
};

const slowDown = (session: Session, desk: GateDesk): void => {
  const { unknownBeforeDelay } = desk.limitsFor(session.client);
  const over = session.unknown - unknownBeforeDelay;
  if (unknownBeforeDelay === 0 || over <= 0) return;
  const ms = Math.min(10, over) * 1000;
  if (desk.sleepers.admit(Date.now(), ms)) session.waitMs += ms;
};

/** The server behind the gate decides, and its outcome is evidence. */
const askBehind = async (
  session: Session,
  desk: GateDesk,
  transaction: Transaction,
  path: string,
  parameters: Parameters,
): Promise<Answer> => {
  const heard = await pass(session, desk, transaction, { path, parameters });
  const outcome = outcomeOf(heard);
  const refusal = outcome === 'accepted' ? await originRefusal(session, desk, transaction) : undefined;
  if (refusal !== undefined) {
    tellOutcome(session, desk, path, 'rejected', refusal.lines[0]);
    return countError(session, desk, refusal);
  }
  tellOutcome(session, desk, path, outcome, heard.lines[0]);
  if (outcome === 'accepted') {
    transaction.recipients.push(path);
    return heard;
  }
  if (outcome === 'unknown') {
    session.unknown++;
    await settle(session, desk);
    slowDown(session, desk);
  }
  return countError(session, desk, heard);
};

/** Of what we refuse ourselves. */
const outcomeOfRefusal = ({ code, lines }: SmtpReply): Outcome =>
  /^[45]\.2\.2 /.test(lines[0] ?? '') ? 'over-quota' : code < 500 ? 'deferred' : 'rejected';

/** A stranger's foreign domain is refused before anything is asked elsewhere. */
const relayRefusal = async (session: Session, desk: GateDesk, path: string): Promise<SmtpReply | undefined> => {
  const isOurs = desk.domains === undefined || !path.includes('@') || desk.domains.has(domainOf(path));
  if (isOurs || session.account !== undefined || desk.relayFrom.has(session.client)) return undefined;
  tellOutcome(session, desk, path, 'relay-denied');
  await settle(session, desk);
  const refusal = await judge(session, desk, 'recipient', { recipient: path });
  if (refusal !== undefined && session.closing) return refusal;
  return countError(session, desk, reply(554, '5.7.1 Relay access denied'));
};

export const rcpt = async (
  session: Session,
  desk: GateDesk,
  command: Extract<Command, { verb: 'RCPT' }>,
): Promise<Answer> => {
  const { transaction } = session;
  const { parameters } = command;
  const { path, holds: isAnswer } = desk.signature?.open(command.path, Date.now()) ?? { ...command, holds: false };
  if (transaction === undefined) return countError(session, desk, reply(503, '5.5.1 Say MAIL first'));
  if (transaction.lost === true) return backendDown;
  // The server behind reads a message: it would take this for a line of it.
  if (transaction.chunks) return countError(session, desk, reply(503, '5.5.1 BDAT has begun'));
  if (!(await desk.offerOf(session.tls)).allows(parameters))
    return countError(session, desk, reply(555, '5.5.4 A parameter that was not offered'));
  const { recipientsPerMessage } = desk.limitsFor(session.client);
  // The recipients before stay: RFC 5321 §4.5.3.1.10.
  if (recipientsPerMessage > 0 && transaction.recipients.length >= recipientsPerMessage)
    return reply(452, '4.5.3 Too many recipients, send the message to the others again');
  const denied = await relayRefusal(session, desk, path);
  if (denied !== undefined) return denied;
  const refusal =
    (await judge(session, desk, 'recipient', { recipient: path, isAnswer })) ??
    (isAnswer ? undefined : bounceRefusal(session, desk, transaction, path));
  transaction.asked++;
  if (refusal !== undefined) {
    tellOutcome(session, desk, path, outcomeOfRefusal(refusal));
    // Who is put off and asks for one name after the other does not do so at full speed.
    session.unknown++;
    if (session.heldAnswers === undefined) slowDown(session, desk);
    return refusal;
  }
  try {
    return await askBehind(session, desk, transaction, path, parameters);
  } catch {
    return loseLink(session);
  }
};
