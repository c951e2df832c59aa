/** Logins through the gate at real Postfix, Exim and Sendmail: under TLS alone, both mechanisms, and mail that goes out after them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stoppable } from '../lab/daemon.ts';
import { runCommand } from '../lab/daemon.ts';
import { labClosed } from '../lab/door.ts';
import { startExim } from '../lab/exim.ts';
import { startPostfix } from '../lab/postfix.ts';
import { startSendmail } from '../lab/sendmail.ts';
import { startWorld } from '../lab/world.ts';
import { behind, dial, openGate, port } from './scene.ts';

type Play = {
  readonly start: () => Promise<{ readonly address: string } & Stoppable>;
  readonly account: string;
  readonly mechanisms: readonly string[];
};

const mainCf = { smtpd_authorized_xclient_hosts: '127.0.0.0/8, 192.0.2.0/24', smtpd_client_auth_rate_limit: '0' };
const withCram = (config: string): string =>
  `${config}\ncram:\n  driver = cram_md5\n  public_name = CRAM-MD5\n  server_secret = \${lookup{$auth1}lsearch{/etc/exim4/passwords}}\n  server_set_id = $auth1\n`;

const plays = new Map<string, Play>([
  ['Postfix', { start: () => startPostfix({ mainCf }), account: 'alice@lab.test', mechanisms: ['PLAIN', 'LOGIN'] }],
  // Its server asks first: the account is in the answer.
  [
    'Exim',
    {
      start: () => startExim({ edit: withCram }),
      account: 'alice@lab.test',
      mechanisms: ['PLAIN', 'LOGIN', 'CRAM-MD5'],
    },
  ],
  ['Sendmail', { start: startSendmail, account: 'alice', mechanisms: ['PLAIN', 'LOGIN'] }],
]);

const swaks = (line: string): Promise<string> =>
  runCommand('swaks', `--server 127.0.0.1:${port} --local-interface 203.0.113.5 --hide-all ${line}`.split(' '));

for (const [name, { start, account, mechanisms }] of plays)
  test(`${name}: a login sends mail anywhere, a wrong one nowhere`, { skip: labClosed }, async (t) => {
    await using world = await startWorld();
    await using server = await start();
    const scene = await openGate(t, {
      backend: behind(server.address, 587),
      requiresAuth: true,
      neverLogin: ['admin'],
    });
    for (const mechanism of mechanisms) {
      const to = `${mechanism.toLowerCase()}@remote.test`;
      const login = (user: string, password: string): Promise<string> =>
        swaks(
          `--tls --auth ${mechanism} --auth-user ${user} --auth-password ${password} --from s@remote.test --to ${to}`,
        );
      await login(account, 'alicepw');
      assert.equal((await world.sink.messageTo(to)).sender, 's@remote.test');
      await assert.rejects(login(account, 'wrong'), /ended with 28/);
      await assert.rejects(login('admin', 'admin'), /ended with 28/);
    }
    // In the clear nothing is passed on, whatever the client tries.
    const smtp = await dial('203.0.113.6');
    await smtp.say('EHLO clear.test', 250);
    await smtp.say('AUTH LOGIN', 538);
    await smtp.authPlain(account, 'alicepw', 538);
    await smtp.say('MAIL FROM:<s@remote.test>', 530);
    await smtp.startTls();
    await smtp.say('EHLO tls.test', 250);
    await smtp.say('AUTH NOSUCH', 504);
    await smtp.say('AUTH LOGIN', 334);
    await smtp.say('*', 501);
    await smtp.authPlain(account, 'alicepw', 235);
    await smtp.authPlain(account, 'alicepw', 503);
    await smtp.quit();
    const outcomes = scene.told
      .filter(({ kind, client }) => kind === 'auth' && client === '203.0.113.5')
      .map(({ account: who, outcome, reason }) => [who, outcome, reason]);
    const wanted = [
      [account, 'success', undefined],
      [account, 'failure', 'bad-password'],
      ['admin', 'failure', 'never-logs-in'],
    ];
    assert.deepEqual(
      outcomes,
      mechanisms.flatMap(() => wanted),
    );
  });
