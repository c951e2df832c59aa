/**
 * One SMTP session as the gate keeps it (RFC 5321 §4.1.4): what was said, what is under way, and what it has cost. Verbs
 * change it; a transaction is one value that is dropped whole.
 */
import { randomInt } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { draftEvent } from '../../model/event.ts';
import type { EventDraft, EventKind } from '../../model/event.ts';
import type { AddressSet } from '../../model/address-set.ts';
import type { GateNote } from '../../model/gate-note.ts';
import type { Question, Stage } from '../../model/question.ts';
import type { Verdict } from '../../model/verdict.ts';
import type { Parameters } from '../../protocols/smtp/command.ts';
import { reply } from '../../protocols/smtp/reply.ts';
import type { SmtpReply } from '../../protocols/smtp/reply.ts';
import type { HookSettings } from '../hooks/hook.ts';
import { outcomeMsMax } from '../hooks/outcomes.ts';
import type { Sleepers } from '../hooks/sleepers.ts';
import type { Signature } from './signature.ts';
import type { OriginCheck } from './origin.ts';
import type { Destination, Link } from './destination.ts';
import type { Doorman, LimitsFor, Patience } from './limits.ts';
import type { OfferOf } from './verbs/offer.ts';
import type { Answered, Answers } from './hostile/answers.ts';
import { answerHostile } from './hostile/answer.ts';
import type { HardVerdict } from './hostile/answer.ts';
import type { Tarpit } from './hostile/tarpit.ts';

/** Told to people by telephone: no letters that sound or look alike (Crockford's base 32). */
const refAlphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const freshRef = (): string => Array.from({ length: 5 }, () => refAlphabet[randomInt(32)] ?? '').join('');

export type GateDesk = Pick<HookSettings, 'ask' | 'tell' | 'complain' | 'evidenceSince'> & {
  /** Keeps what the postmaster may want to know later. */
  readonly note: (note: GateNote) => void;
  readonly name: string;
  readonly destination: Destination;
  readonly offerOf: OfferOf;
  /** Domains that mail from strangers may be for; undefined: the server behind the gate decides alone. */
  readonly domains: ReadonlySet<string> | undefined;
  /** A submission port: nobody sends without having logged in (RFC 6409 §4.3). */
  readonly requiresAuth: boolean;
  readonly limitsFor: LimitsFor;
  /** Who may send to any domain without a login. */
  readonly relayFrom: AddressSet;
  /** Commands that nobody may use here. */
  readonly disabled: ReadonlySet<string>;
  /** Accounts that nobody logs in with: a try is a proof. Lower case. */
  readonly neverLogin: ReadonlySet<string>;
  readonly tls: SecureContext | undefined;
  readonly greetPauseMs: number;
  readonly patience: Patience;
  /** What is asked of the DNS before a stranger's first recipient is accepted; undefined: nothing. */
  readonly origin: OriginCheck | undefined;
  /** Signs senders of outgoing mail and knows the signature again in bounces; undefined: it is off. */
  readonly signature: Signature | undefined;
  readonly sleepers: Sleepers;
  readonly tarpit: Tarpit;
  readonly answers: Answers;
  readonly doorman: Doorman;
};

export type Transaction = {
  readonly sender: string;
  readonly parameters: Parameters;
  /** Those that were accepted. */
  readonly recipients: string[];
  /** Asked for, whatever became of them. */
  asked: number;
  /** Bytes, as MAIL promised (RFC 1870); 0 when it did not. */
  readonly size: number;
  /** MAIL went through to the server behind the gate. */
  begun?: boolean;
  /** Its sender's domain and the client's address were looked up: nothing, or why nobody here takes this message. */
  origin?: { readonly refusal: SmtpReply | undefined };
  /** BDAT chunks have begun. */
  chunks: boolean;
  /** Why its first chunk was not taken: a message must not begin with its second one (RFC 3030 §2). */
  refused?: SmtpReply;
  /** The server behind went away in the middle: what is left of it hears 451 too, never a 5xx that would cost the mail. */
  lost?: boolean;
};

export type Visitor = {
  readonly client: string;
  readonly port: number;
  readonly id: string;
  /** Delivered mail or logged in before, or is one of ours. */
  readonly isKnown: boolean;
};

/** The client as far as somebody may wait for it. */
export type Presence = {
  /** Resolves after `ms`, or at once when the client has gone. */
  readonly wait: (ms: number) => Promise<void>;
};

export type Session = Visitor & {
  readonly presence: Presence;
  helo: string | undefined;
  esmtp: boolean;
  tls: boolean;
  account: string | undefined;
  transaction: Transaction | undefined;
  link: Link | undefined;
  errors: number;
  idleCommands: number;
  unknown: number;
  messages: number;
  /** The client is hostile: what it gets in this session. */
  answered: Answered | undefined;
  /** Answers that were made to wait because the client is hostile; undefined: it is not held. */
  heldAnswers: number | undefined;
  /** The next answer waits so long. What it was about is settled before: nothing of it is kept while it waits. */
  waitMs: number;
  /** Its mail is evidence: marked, for the server behind the gate to freeze. */
  held: boolean;
  /** The judge held something against it: its transcript is kept. */
  suspect: boolean;
  /** Set by the verb that ends the session: closed behind its reply. */
  closing: boolean;
};

/** What a verb answers: nothing more to say than this, or this and then something else with the bytes that follow. */
export type Answer = SmtpReply & {
  readonly next?: 'start-tls' | 'message' | Chunk;
};
/** Of a message that comes by BDAT. */
export type Chunk = { readonly length: number; readonly first: boolean; readonly last: boolean };

export const tellOf = (session: Session, desk: GateDesk, kind: EventKind, fill?: (draft: EventDraft) => void): void => {
  const event = draftEvent(Date.now(), 'gate', kind);
  event.client = session.client;
  event.session = session.id;
  event.helo = session.helo;
  event.account = session.account;
  fill?.(event);
  desk.tell(event);
};

/** Waits for the statistics to hold what was just told: a list that is pipelined must not run ahead of them. */
export const settle = async ({ client }: Session, desk: GateDesk): Promise<void> => {
  await desk.evidenceSince?.(client)(outcomeMsMax);
};

const accept: Verdict = { kind: 'accept', why: [] };

const verdictFor = (session: Session, desk: GateDesk, stage: Stage, about: Partial<Question>): Verdict => {
  const { transaction } = session;
  const before = transaction === undefined || transaction.recipients.length === 0 ? 0 : transaction.asked;
  try {
    return desk.ask({
      time: Date.now(),
      server: 'gate',
      stage,
      client: session.client,
      helo: session.helo,
      account: session.account,
      sender: transaction?.sender,
      recipient: undefined,
      size: transaction?.size || undefined,
      ...(stage === 'recipient' && before > 0 ? { recipientsBefore: before } : {}),
      ...about,
    });
  } catch (error) {
    desk.complain(error);
    return accept;
  }
};

/** The reply carries a short reference and no reasons; these are kept for the postmaster (`postern explain REF`). */
export const refusalOf = (
  session: Session,
  desk: GateDesk,
  stage: Stage,
  about: Partial<Question>,
  verdict: Extract<Verdict, { kind: 'defer' | 'reject' | 'drop' }>,
): SmtpReply => {
  const { code, enhanced, text } = verdict.reply;
  const ref = freshRef();
  const heard = reply(Number(code), `${enhanced} ${text} ref=${ref}`);
  session.suspect ||= verdict.kind !== 'reject' || verdict.blameless !== true;
  desk.note({
    kind: 'refusal',
    ref,
    time: Date.now(),
    client: session.client,
    stage,
    helo: session.helo,
    account: about.account ?? session.account,
    sender: about.sender ?? session.transaction?.sender,
    recipient: about.recipient,
    reply: `${heard.code} ${heard.lines[0] ?? ''}`,
    why: verdict.why,
  });
  return heard;
};

/**
 * Asks the judge at a stage. A hostile client is held from then on, within the budget: it hears the refusal slowly and
 * may go on asking; when the budget is spent, or where holding serves worse, it is sent away.
 * @returns the refusal, or undefined when the session may go on
 */
export const judge = async (
  session: Session,
  desk: GateDesk,
  stage: Stage,
  about: Partial<Question> = {},
): Promise<SmtpReply | undefined> => {
  const verdict = verdictFor(session, desk, stage, about);
  const hostile = (hard: HardVerdict): SmtpReply =>
    answerHostile(session, desk, about.recipient, hard, (said) => refusalOf(session, desk, stage, about, said));
  switch (verdict.kind) {
    case 'accept':
      return undefined;
    case 'hold':
      session.held = true;
      return undefined;
    case 'delay':
      // Once a recipient or a login: who is only suspect does not wait at every step.
      if ((stage === 'recipient' || stage === 'auth') && desk.sleepers.admit(Date.now(), verdict.delayMs))
        await session.presence.wait(verdict.delayMs);
      return undefined;
    case 'defer':
      return refusalOf(session, desk, stage, about, verdict);
    case 'drop':
      return hostile(verdict);
    case 'reject':
      return verdict.blameless === true ? refusalOf(session, desk, stage, about, verdict) : hostile(verdict);
  }
};

/** An error of the dialogue: told, counted, and answered; too many of them end the session. */
export const slip = (
  session: Session,
  desk: GateDesk,
  reason: 'unknown-command' | 'syntax' | 'non-smtp' | 'bare-newline' | 'pipelining',
  text: string,
  answer: SmtpReply,
): SmtpReply => {
  tellOf(session, desk, 'command-error', (event) => {
    event.reason = reason;
    event.text = text;
  });
  return countError(session, desk, answer);
};

export const countError = (session: Session, desk: GateDesk, answer: SmtpReply): SmtpReply => {
  session.errors++;
  const { errorsPerConnection } = desk.limitsFor(session.client);
  if (errorsPerConnection === 0 || session.errors < errorsPerConnection) return answer;
  session.closing = true;
  return reply(421, '4.7.0 Too many errors, closing connection');
};

/** The link behind the gate, opened when something deserves it. @throws when it cannot be had */
export const linkOf = async (session: Session, desk: GateDesk): Promise<Link> => {
  session.link ??= await desk.destination.open({
    address: session.client,
    port: session.port,
    helo: session.helo ?? 'unknown',
    esmtp: session.esmtp,
    tls: session.tls,
  });
  return session.link;
};

/** Drops a message whose fate has been told, and the link with it: the server behind must not take it. */
export const dropLink = (session: Session): void => {
  session.link?.abort();
  session.link = undefined;
  session.transaction = undefined;
};

/** A transaction that did not come to its end (RSET, EHLO): forgotten here and behind the gate. */
export const forget = async (session: Session): Promise<void> => {
  // In the middle of a message the server behind hears no command.
  if (session.transaction?.chunks === true) dropLink(session);
  if (session.transaction?.begun === true) await session.link?.reset().catch(() => loseLink(session));
  session.transaction = undefined;
};

/** The server behind went away, or is out of step. @returns what the client hears */
export const loseLink = (session: Session): SmtpReply => {
  session.link?.abort();
  session.link = undefined;
  if (session.transaction !== undefined) session.transaction.lost = true;
  return backendDown;
};

/** What the client is told when the server behind the gate cannot be reached. */
export const backendDown: SmtpReply = reply(451, '4.3.0 Temporarily out of service, please try again later');
