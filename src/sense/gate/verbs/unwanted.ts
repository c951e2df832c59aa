/** What the gate refuses by its own settings, besides the judge: bounces of forgeries, and what the DNS says of a stranger. */
import type { Verdict } from '../../../model/verdict.ts';
import type { SmtpReply } from '../../../protocols/smtp/reply.ts';
import { refusalOf } from '../session.ts';
import type { GateDesk, Session, Transaction } from '../session.ts';

const forgedBounce: Extract<Verdict, { kind: 'reject' }> = {
  kind: 'reject',
  reply: { code: '550', enhanced: '5.7.1', text: 'No mail was sent from this address that this could be a bounce of' },
  why: [{ detector: 'bounce-signature', subject: 'no signature of ours', score: 1, threshold: 1 }],
};

/** Where all outgoing mail is signed, a bounce to an address without signature answers a forgery. */
export const bounceRefusal = (
  session: Session,
  desk: GateDesk,
  { sender }: Transaction,
  recipient: string,
): SmtpReply | undefined =>
  sender === '' && session.account === undefined && desk.signature?.demands(recipient) === true
    ? refusalOf(session, desk, 'recipient', { recipient }, forgedBounce)
    : undefined;

/** The last check, once a transaction: who is refused for anything else costs no question to the DNS. */
export const originRefusal = async (
  session: Session,
  desk: GateDesk,
  transaction: Transaction,
): Promise<SmtpReply | undefined> => {
  if (desk.origin === undefined || session.account !== undefined || session.isKnown) return undefined;
  if (desk.relayFrom.has(session.client)) return undefined;
  if (transaction.origin === undefined) {
    const verdict = await desk.origin(session.client, transaction.sender);
    transaction.origin = {
      refusal: verdict === undefined ? undefined : refusalOf(session, desk, 'sender', {}, verdict),
    };
  }
  return transaction.origin.refusal;
};
