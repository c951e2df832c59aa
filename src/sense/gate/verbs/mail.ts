/** MAIL (RFC 5321 §4.1.1.2, SIZE: RFC 1870). Nothing is sent behind the gate yet: no recipient has deserved it. */
import type { Command } from '../../../protocols/smtp/command.ts';
import { reply } from '../../../protocols/smtp/reply.ts';
import { countError, judge, tellOf } from '../session.ts';
import type { Answer, GateDesk, Session } from '../session.ts';

export const mail = async (
  session: Session,
  desk: GateDesk,
  { path, parameters }: Extract<Command, { verb: 'MAIL' }>,
): Promise<Answer> => {
  if (session.helo === undefined) return countError(session, desk, reply(503, '5.5.1 Say EHLO first'));
  if (session.transaction !== undefined && session.transaction.lost !== true)
    return countError(session, desk, reply(503, '5.5.1 One message at a time'));
  if (desk.requiresAuth && session.account === undefined)
    return countError(session, desk, reply(530, '5.7.0 Authentication required'));
  // The login went with the link; no password is kept to log in again, and as a stranger it would be refused for good.
  if (session.account !== undefined && session.link === undefined) {
    session.closing = true;
    return reply(421, '4.3.0 The server was restarted, please connect and log in again');
  }
  const offer = await desk.offerOf(session.tls);
  if (!offer.allows(parameters))
    return countError(session, desk, reply(555, '5.5.4 A parameter, or its value, that was not offered'));
  const size = Number(parameters.get('SIZE') ?? 0);
  if (size > offer.sizeMax) return reply(552, '5.3.4 The message is too large');
  const { messagesPerConnection } = desk.limitsFor(session.client);
  if (messagesPerConnection > 0 && session.messages >= messagesPerConnection) {
    tellOf(session, desk, 'limit', (event) => {
      event.reason = 'message-rate';
    });
    session.closing = true;
    return reply(421, '4.7.0 Enough messages for one connection, please come back');
  }
  const refusal = await judge(session, desk, 'sender', { sender: path });
  if (refusal !== undefined) return refusal;
  session.transaction = { sender: path, parameters, recipients: [], asked: 0, size, chunks: false };
  return reply(250, '2.1.0 Ok');
};
