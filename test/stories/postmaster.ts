/** What a postmaster has at hand in a story: the command line, the queue, a guard with one hook. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import { defaults, hookNames } from '../../src/guard/settings.ts';
import type { Incident } from '../../src/model/report.ts';
import { dialSmtp } from '../servers/lab/dialogue.ts';
import type { SmtpDialogue } from '../servers/lab/dialogue.ts';

const policyPort = 10_040;
export const policy = `{ inet:127.0.0.1:${policyPort}, timeout=60s, default_action=DUNNO }`;

/** Postfix's own limits off: they would answer before Postern does. */
export const noLimits = {
  smtpd_client_message_rate_limit: '0',
  smtpd_client_recipient_rate_limit: '0',
  smtpd_client_connection_rate_limit: '0',
  // Of a client that has just gone a slow machine has sessions left.
  smtpd_client_connection_count_limit: '0',
  smtpd_client_auth_rate_limit: '0',
} as const;

/** @param hook the only one that listens, at its usual place */
export const settingsAt = (state: string, hook = 'policy'): Map<string, unknown> =>
  new Map<string, unknown>([
    ...defaults,
    ['state', state],
    ['judge.learning', '0'],
    ...hookNames.filter((name) => name !== hook).map((name) => [`${name}.listen`, 'off'] as const),
  ]);

/** Runs a command that must succeed. @returns what it printed */
export const postern = async (...args: readonly string[]): Promise<string> => {
  const child = spawn(process.execPath, ['src/cli/main.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, complaint, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  assert.equal(status, 0, `${args.join(' ')}: ${complaint}`);
  return out;
};

export const openedIn = (news: readonly GuardNews[]): readonly Incident[] =>
  news.flatMap((item) => (item.kind === 'incident' && item.change.change === 'opened' ? [item.change.incident] : []));

export const deedsIn = (news: readonly GuardNews[]): readonly string[] =>
  news.flatMap((item) => (item.kind === 'action' ? [item.text] : []));

/** A session of somebody with an account. */
export const logIn = async (address: string, from: string, who: string): Promise<SmtpDialogue> => {
  const smtp = await dialSmtp({ from, to: address, port: 587 });
  await smtp.say('EHLO client.test', 250);
  await smtp.authPlain(`${who}@lab.test`, `${who}pw`, 235);
  return smtp;
};
