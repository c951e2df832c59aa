/**
 * AUTH (RFC 4954), passed through to the server behind the gate, under TLS only. The gate reads the account's name for the
 * judge and never keeps a password. An account that never logs in here is refused without asking: a try is a proof.
 */
import { Buffer } from 'node:buffer';
import type { Command } from '../../../protocols/smtp/command.ts';
import { reply } from '../../../protocols/smtp/reply.ts';
import type { SmtpReply } from '../../../protocols/smtp/reply.ts';
import { countError, judge, linkOf, loseLink, settle, tellOf } from '../session.ts';
import type { Answer, GateDesk, Session } from '../session.ts';

const failed = reply(535, '5.7.8 Authentication failed');
const nameLengthMax = 256;

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1');

/** The account in an initial response: PLAIN (RFC 4616) has it between NULs, LOGIN alone. */
const accountIn = (mechanism: string, response: string): string | undefined => {
  const text = decode(response);
  const name = mechanism === 'PLAIN' ? text.split('\0')[1] : mechanism === 'LOGIN' ? text : undefined;
  return name === undefined || name === '' ? undefined : name.slice(0, nameLengthMax);
};

/** A name that stands without a domain is meant in every domain. */
const neverLogsIn = ({ neverLogin }: GateDesk, account: string): boolean => {
  const name = account.toLowerCase();
  return neverLogin.has(name) || neverLogin.has(name.split('@', 1)[0] ?? name);
};

/** @param ask puts a challenge to the client and gives its answer, without CRLF */
export const auth = async (
  session: Session,
  desk: GateDesk,
  { mechanism, initial }: Extract<Command, { verb: 'AUTH' }>,
  ask: (challenge: SmtpReply) => Promise<string>,
): Promise<Answer> => {
  if (!session.tls)
    return countError(session, desk, reply(538, '5.7.11 Encryption required for requested authentication mechanism'));
  if (session.account !== undefined) return countError(session, desk, reply(503, '5.5.1 Already authenticated'));
  if (session.helo === undefined || session.transaction !== undefined)
    return countError(session, desk, reply(503, '5.5.1 Not now'));
  let account: string | undefined;
  let refusal: SmtpReply | undefined;
  const notice = async (response: string): Promise<void> => {
    account ??= accountIn(mechanism, response);
    if (account === undefined || refusal !== undefined) return;
    if (neverLogsIn(desk, account)) refusal = failed;
    else refusal = await judge(session, desk, 'auth', { account });
  };
  /** Once refused, the dialogue is played to its end without the server behind. */
  const playOn = async (response: string): Promise<SmtpReply> => {
    if (mechanism === 'LOGIN' && response !== '' && account !== undefined) await ask(reply(334, 'UGFzc3dvcmQ6'));
    return refusal ?? failed;
  };

  const run = async (): Promise<SmtpReply> => {
    let first = initial;
    if (first === undefined) first = await ask(mechanism === 'LOGIN' ? reply(334, 'VXNlcm5hbWU6') : reply(334, ''));
    if (first === '*') return reply(501, '5.7.0 Authentication cancelled');
    await notice(first);
    if (refusal !== undefined) return playOn(first);
    const link = await linkOf(session, desk);
    return link.auth(`AUTH ${mechanism} ${first === '' ? '=' : first}`, ask);
  };

  let heard: SmtpReply;
  try {
    heard = await run();
  } catch {
    return loseLink(session);
  }
  const success = heard.code === 235;
  tellOf(session, desk, 'auth', (event) => {
    event.account = account;
    event.outcome = success ? 'success' : 'failure';
    event.protocol = 'submission';
    if (!success)
      event.reason = refusal === undefined ? 'bad-password' : refusal === failed ? 'never-logs-in' : 'policy';
  });
  if (success) {
    session.account = account ?? '';
    return heard;
  }
  await settle(desk);
  return countError(session, desk, heard);
};
