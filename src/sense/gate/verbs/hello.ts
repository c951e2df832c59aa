/** EHLO and HELO (RFC 5321 §4.1.1.1). */
import type { Command } from '../../../protocols/smtp/command.ts';
import { reply } from '../../../protocols/smtp/reply.ts';
import { forget, judge, tellOf } from '../session.ts';
import type { Answer, GateDesk, Session } from '../session.ts';

export const hello = async (
  session: Session,
  desk: GateDesk,
  command: Extract<Command, { verb: 'EHLO' | 'HELO' }>,
): Promise<Answer> => {
  if (session.helo !== undefined) session.idleCommands++;
  session.helo = command.name;
  session.esmtp = command.verb === 'EHLO';
  await forget(session);
  tellOf(session, desk, 'helo');
  const refusal = await judge(session, desk, 'helo');
  if (session.closing && refusal !== undefined) return refusal;
  if (command.verb === 'HELO') return reply(250, desk.name);
  return reply(250, desk.name, ...(await desk.offerOf(session.tls)).keywords);
};
