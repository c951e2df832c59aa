/** EHLO and HELO (RFC 5321 §4.1.1.1): only what holds behind the gate is announced; AUTH under TLS alone (RFC 4954 §4). */
import type { Command } from '../../../protocols/smtp/command.ts';
import { reply } from '../../../protocols/smtp/reply.ts';
import { forget, judge, tellOf } from '../session.ts';
import type { Answer, GateDesk, Session } from '../session.ts';

const own = ['PIPELINING', 'CHUNKING'];

/** The verb that a keyword stands for. */
const verbOf = (keyword: string): string => {
  const [name = ''] = keyword.split(' ', 1);
  return name === 'CHUNKING' ? 'BDAT' : name;
};

/** @returns the EHLO keywords for this session */
export const keywordsFor = async (session: Session, desk: GateDesk): Promise<readonly string[]> => {
  const behind = await desk.destination.keywords();
  const offered = behind.filter((keyword) => session.tls || !/^AUTH\b/i.test(keyword));
  const startTls = desk.tls !== undefined && !session.tls ? ['STARTTLS'] : [];
  return [...own, ...startTls, ...offered].filter((keyword) => !desk.disabled.has(verbOf(keyword)));
};

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
  return reply(250, desk.name, ...(await keywordsFor(session, desk)));
};
