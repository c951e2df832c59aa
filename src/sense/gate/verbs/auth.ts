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

const beforeDigest = (text: string): string => text.slice(0, Math.max(0, text.lastIndexOf(' ')));
const inMessage = (text: string): string | undefined => /(?:^|,)n=([^,]*)/.exec(text)?.[1];
const inToken = (text: string): string | undefined =>
  /(?:^user=|,a=)([^,]*)/.exec(text.split('\u0001', 1)[0] ?? '')?.[1];

/** The account in what a client says first, and for CRAM in its only answer. */
const accountBy = new Map<string, (text: string) => string | undefined>([
  ['PLAIN', (text) => text.split('\0')[1]], // RFC 4616
  ['LOGIN', (text) => text],
  ['CRAM-MD5', beforeDigest], // RFC 2195
  ['SCRAM-SHA-1', inMessage], // RFC 5802
  ['SCRAM-SHA-256', inMessage],
  ['XOAUTH2', inToken],
  ['OAUTHBEARER', inToken], // RFC 7628
]);

const accountIn = (mechanism: string, response: string): string | undefined => {
  const name = accountBy.get(mechanism)?.(decode(response));
  return name === undefined || name === '' ? undefined : name.slice(0, nameLengthMax);
};

/** What the server would ask first, asked here, so that the account is known before the server is. */
const firstAsked = new Map([
  ['PLAIN', reply(334, '')],
  ['LOGIN', reply(334, 'VXNlcm5hbWU6')],
]);

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
  const { mechanisms } = await desk.offerOf(session.tls);
  if (mechanisms?.has(mechanism) === false)
    return countError(session, desk, reply(504, '5.5.4 This mechanism is not offered'));
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

  /** Where the server asks first, an answer that names somebody who is refused does not reach it (RFC 4954 §4). */
  const askNoticing = async (challenge: SmtpReply): Promise<string> => {
    const answer = await ask(challenge);
    if (account === undefined) await notice(answer);
    return refusal === undefined ? answer : '*';
  };

  const run = async (): Promise<SmtpReply> => {
    const question = firstAsked.get(mechanism);
    const first = initial ?? (question === undefined ? undefined : await ask(question));
    if (first === '*') return reply(501, '5.7.0 Authentication cancelled');
    if (first !== undefined) await notice(first);
    if (refusal !== undefined) return playOn(first ?? '');
    const link = await linkOf(session, desk);
    const line = first === undefined ? '' : ` ${first === '' ? '=' : first}`;
    const heard = await link.auth(`AUTH ${mechanism}${line}`, first === undefined ? askNoticing : ask);
    return refusal ?? heard;
  };

  let heard: SmtpReply;
  try {
    heard = await run();
  } catch {
    return loseLink(session);
  }
  const success = heard.code === 235;
  // Cancelled, not understood, or a server that cannot look passwords up: nobody guessed.
  if (!success && refusal === undefined && heard.code !== 535) return countError(session, desk, heard);
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
  await settle(session, desk);
  return countError(session, desk, heard);
};
