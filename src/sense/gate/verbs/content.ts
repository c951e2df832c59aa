/**
 * DATA and BDAT (RFC 5321 §4.1.1.4, RFC 3030), from the word to the end of the message. The content streams through; a 2xx
 * is told only after the server behind the gate has said it. What holds a bare CR or LF is refused: two servers could read
 * it as two different messages.
 */
import { Buffer } from 'node:buffer';
import { createMessageWatch } from '../../../protocols/smtp/message-limits.ts';
import type { Excess, MessageWatch } from '../../../protocols/smtp/message-limits.ts';
import { reply } from '../../../protocols/smtp/reply.ts';
import type { SmtpReply } from '../../../protocols/smtp/reply.ts';
import { backendDown, countError, dropLink, forget, judge, loseLink, slip, tellOf } from '../session.ts';
import type { Answer, GateDesk, Session } from '../session.ts';

const noRecipients = reply(554, '5.5.1 No valid recipients');
const bareNewline = reply(550, '5.5.2 The message holds a bare CR or LF; lines end with CRLF (RFC 5321 2.3.8)');

/** What is known of a message while it comes in. */
export type Incoming = {
  bytes: number;
  readonly sizeMax: number;
  readonly watch: MessageWatch;
  excess: Excess | undefined;
};

export const newIncoming = ({ client }: Session, { limitsFor }: GateDesk, sizeMax: number): Incoming => {
  const { headerBytesPerMessage, lineBytesPerMessage, hopsPerMessage } = limitsFor(client);
  const limits = { headerBytesMax: headerBytesPerMessage, lineBytesMax: lineBytesPerMessage, hopsMax: hopsPerMessage };
  return { bytes: 0, sizeMax, watch: createMessageWatch(limits), excess: undefined };
};

const excessReplies: Readonly<Record<Excess, SmtpReply>> = {
  header: reply(552, '5.3.4 The header of the message is too large'),
  line: reply(554, '5.6.0 A line of the message is too long'),
  hops: reply(554, '5.4.6 The message was received too often: it goes in circles'),
};

/** The server behind freezes what carries it (docs/gate.md). */
const heldHeader = ({ account, client }: Session): Buffer =>
  Buffer.from(
    `${account === undefined ? `X-Relayed-From: ${client}` : `X-Authenticated-As: ${account.replaceAll(/[^ -~]+/g, ' ')}`}\r\n`,
    'latin1',
  );

/** Opens the content behind the gate. @returns the reply when it cannot begin */
const open = async (session: Session): Promise<SmtpReply | undefined> => {
  try {
    const heard = await session.link?.data();
    if (heard?.code === 354) {
      if (session.held) await session.link?.content(heldHeader(session));
      return undefined;
    }
    await forget(session);
    return heard ?? backendDown;
  } catch {
    return loseLink(session);
  }
};

const maySend = async (session: Session, desk: GateDesk): Promise<SmtpReply | undefined> => {
  const { transaction } = session;
  if (transaction === undefined) return countError(session, desk, reply(503, '5.5.1 Say MAIL first'));
  if (transaction.lost === true) return backendDown;
  if (transaction.recipients.length === 0) return countError(session, desk, noRecipients);
  return judge(session, desk, 'data');
};

export const data = async (session: Session, desk: GateDesk): Promise<Answer> => {
  if (session.transaction?.chunks === true) return countError(session, desk, reply(503, '5.5.1 BDAT has begun'));
  const refusal = (await maySend(session, desk)) ?? (await open(session));
  return refusal ?? { ...reply(354, 'End data with <CR><LF>.<CR><LF>'), next: 'message' };
};

/** Chunks that are refused are still read: their length was announced, and they must not be taken for commands. */
export const bdat = async (
  session: Session,
  desk: GateDesk,
  { length, last }: { readonly length: number; readonly last: boolean },
): Promise<Answer & { readonly refused: boolean }> => {
  const { transaction } = session;
  const begun = transaction?.chunks === true;
  const next = { length, first: !begun, last };
  const refusal = begun ? undefined : (transaction?.refused ?? (await maySend(session, desk)) ?? (await open(session)));
  if (refusal !== undefined) {
    if (transaction !== undefined) transaction.refused = refusal;
    return { ...refusal, next, refused: true };
  }
  if (session.transaction !== undefined) session.transaction.chunks = true;
  return { ...reply(250, `2.0.0 ${length} octets`), next, refused: false };
};

/** @returns false when the message cannot be taken any more; the rest of it is read and dropped */
export const take = async (session: Session, incoming: Incoming, bytes: Buffer): Promise<boolean> => {
  incoming.bytes += bytes.length;
  incoming.excess = incoming.watch.put(bytes);
  if (incoming.bytes > incoming.sizeMax || incoming.excess !== undefined) return false;
  try {
    await session.link?.content(bytes);
    return session.link !== undefined;
  } catch {
    return false;
  }
};

type Whole = { readonly hadBareNewline: boolean; readonly lost: boolean };

/** Why a message that is whole is not taken, before the server behind is asked. */
const refusalOfWhole = async (
  session: Session,
  desk: GateDesk,
  { bytes, sizeMax, excess }: Incoming,
  { hadBareNewline, lost }: Whole,
): Promise<SmtpReply | undefined> => {
  if (bytes > sizeMax) return reply(552, '5.3.4 The message is too large');
  if (hadBareNewline) return slip(session, desk, 'bare-newline', 'in the message', bareNewline);
  if (excess !== undefined) return countError(session, desk, excessReplies[excess]);
  if (lost) return backendDown;
  const [only, ...others] = session.transaction?.recipients ?? [];
  return judge(session, desk, 'message', { recipient: others.length === 0 ? only : undefined, size: bytes });
};

/** The end of a message. Whatever goes wrong before the server's own 2xx, the client keeps the message. */
export const finish = async (
  session: Session,
  desk: GateDesk,
  incoming: Incoming,
  whole: Whole,
): Promise<SmtpReply> => {
  const { transaction } = session;
  const refusal = await refusalOfWhole(session, desk, incoming, whole);
  if (refusal !== undefined) {
    dropLink(session);
    return refusal;
  }
  let heard: SmtpReply;
  try {
    heard = (await session.link?.finish()) ?? backendDown;
  } catch {
    dropLink(session);
    return backendDown;
  }
  session.transaction = undefined;
  if (heard.code >= 200 && heard.code < 300) {
    session.messages++;
    tellOf(session, desk, 'message', (event) => {
      event.sender = transaction?.sender;
      event.count = transaction?.recipients.length;
      event.size = incoming.bytes;
    });
    for (const recipient of transaction?.recipients ?? [])
      tellOf(session, desk, 'delivery', (event) => {
        event.sender = transaction?.sender;
        event.recipient = recipient;
        event.outcome = 'sent';
        event.remote = false;
      });
  }
  return heard;
};
