/** From a command to its verb. What is forbidden here, unknown or repeated without end is answered in this place. */
import type { Command, ParsedCommand } from '../../protocols/smtp/command.ts';
import { parseCommand } from '../../protocols/smtp/command.ts';
import { reply } from '../../protocols/smtp/reply.ts';
import type { SmtpReply } from '../../protocols/smtp/reply.ts';
import { countError, forget, slip } from './session.ts';
import type { Answer, GateDesk, Session } from './session.ts';
import { auth } from './verbs/auth.ts';
import { bdat, data } from './verbs/content.ts';
import { hello } from './verbs/hello.ts';
import { mail } from './verbs/mail.ts';
import { rcpt } from './verbs/rcpt.ts';

/** Puts a challenge to the client and gives its answer, without CRLF. */
type AskClient = (challenge: SmtpReply) => Promise<string>;

const idle: ReadonlySet<Command['verb']> = new Set(['RSET', 'NOOP', 'VRFY', 'EXPN', 'HELP', 'ETRN', 'EHLO', 'HELO']);

const rset = async (session: Session): Promise<Answer> => {
  await forget(session);
  return reply(250, '2.0.0 Ok');
};

const startTls = (session: Session, desk: GateDesk): Answer => {
  if (session.tls || desk.tls === undefined)
    return countError(session, desk, reply(503, '5.5.1 TLS is not to be had now'));
  return { ...reply(220, '2.0.0 Ready to start TLS'), next: 'start-tls' };
};

const run = async (session: Session, desk: GateDesk, command: Command, ask: AskClient): Promise<Answer> => {
  switch (command.verb) {
    case 'EHLO':
    case 'HELO':
      return hello(session, desk, command);
    case 'MAIL':
      return mail(session, desk, command);
    case 'RCPT':
      return rcpt(session, desk, command);
    case 'DATA':
      return data(session, desk);
    case 'BDAT':
      return bdat(session, desk, command);
    case 'RSET':
      return rset(session);
    case 'NOOP':
      return reply(250, '2.0.0 Ok');
    case 'QUIT':
      session.closing = true;
      return reply(221, '2.0.0 Bye');
    case 'STARTTLS':
      return startTls(session, desk);
    case 'AUTH':
      return auth(session, desk, command, ask);
    // What exists here is nobody's business (RFC 5321 §7.3).
    case 'VRFY':
      return reply(252, '2.5.2 Cannot VRFY, but will take a message and try');
    case 'EXPN':
    case 'ETRN':
      return countError(session, desk, reply(502, '5.5.1 Not here'));
    case 'HELP':
      return reply(214, '2.0.0 RFC 5321 says it all');
  }
};

const unknown = reply(500, '5.5.1 Unknown command');
const foreign = reply(554, '5.5.1 This is a mail server');

const answerError = (
  session: Session,
  desk: GateDesk,
  { why, verb }: Extract<ParsedCommand, { kind: 'error' }>,
): Answer => {
  if (why === 'syntax') return slip(session, desk, why, verb, reply(501, '5.5.4 Syntax error'));
  if (why === 'unknown-command') return slip(session, desk, why, verb, unknown);
  const answer = slip(session, desk, why, verb, foreign);
  session.closing = true;
  return answer;
};

const tooEarly = reply(554, '5.5.0 You talked before you were answered');

/** Before EHLO has told that it may, or at all with HELO (RFC 2920 §3.1): such a program does not listen. */
const mayNotSendAhead = ({ isKnown, esmtp, helo }: Session, { verb }: Command): boolean =>
  !isKnown && (verb === 'EHLO' || verb === 'HELO' || (helo !== undefined && !esmtp));

/** @param line without its CRLF @param isAhead something came behind it already */
export const answerLine = async (
  session: Session,
  desk: GateDesk,
  line: string,
  isAhead: boolean,
  ask: AskClient,
): Promise<Answer> => {
  const parsed = parseCommand(line);
  if (parsed.kind === 'error') return answerError(session, desk, parsed);
  const { command } = parsed;
  if (isAhead && mayNotSendAhead(session, command)) {
    session.closing = true;
    return slip(session, desk, 'pipelining', command.verb, tooEarly);
  }
  if (desk.disabled.has(command.verb)) return countError(session, desk, reply(502, '5.5.1 Not here'));
  if (idle.has(command.verb)) {
    const { idleCommandsPerConnection: max } = desk.limitsFor(session.client);
    if (max > 0 && session.idleCommands++ >= max) {
      session.closing = true;
      return slip(
        session,
        desk,
        'syntax',
        `${command.verb} again and again`,
        reply(421, '4.7.0 Too many idle commands'),
      );
    }
  }
  return run(session, desk, command, ask);
};
