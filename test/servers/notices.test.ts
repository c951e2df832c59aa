/** A notice by mail through a real Postfix arrives in a real mailbox; one that cannot go says why. */
import assert from 'node:assert/strict';
import { appendFileSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ensureCertificate, madeFiles } from '../../src/sense/gate/certificate.ts';
import { mailChannel } from '../../src/show/notices/mail.ts';
import { plainNotice } from '../../src/show/notices/notice.ts';
import { awaitLine } from './lab/await.ts';
import { runCommand } from './lab/daemon.ts';
import { labClosed } from './lab/door.ts';
import { startPostfix } from './lab/postfix.ts';
import { startWorld } from './lab/world.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

test('a mail arrives with its subject and its commands', { skip: labClosed }, async () => {
  await using world = await startWorld();
  await using postfix = await startPostfix();
  const choice = { password: undefined, from: 'postern@lab.test', to: ['alice@lab.test'] };
  const notice = plainNotice('acted', 'blocked 203.0.113.7 – ä', '7F3KQ2', Date.now(), 'mx.lab.test');
  await mailChannel({ ...choice, server: `smtp://${postfix.address}:25?tls=off` }).send(notice);
  await awaitLine(world.log.traditional, 'the delivery', (line) => line.includes('saved mail to'));
  const [file = ''] = globSync('/var/spool/vmail/lab.test/alice/new/*');
  const mail = readFileSync(file, 'latin1');
  const [head = '', body = ''] = mail.replaceAll('\r\n', '\n').split('\n\n');
  const subject = [...head.matchAll(/=\?utf-8\?B\?([^?]*)\?=/g)].map(([, part = '']) => part).join('');
  assert.equal(Buffer.from(subject, 'base64').toString(), '[postern mx.lab.test] blocked 203.0.113.7 – ä');
  assert.match(Buffer.from(body, 'base64').toString(), /postern undo 7F3KQ2/);
  assert.match(head, /^Auto-Submitted: auto-generated$/m);

  const send = (server: string, to = choice.to): Promise<void> => mailChannel({ ...choice, server, to }).send(notice);
  await assert.rejects(send(`smtp://${postfix.address}:25`), /TLS|certificate|self-signed/i);
  await assert.rejects(send(`smtp://${postfix.address}:25?tls=off`, ['nobody@lab.test']), /answered 550/);
  await assert.rejects(send(`smtp://${postfix.address}:26?tls=off`), /ECONNREFUSED/);
});

test(
  'submission: STARTTLS or TLS from the first byte, a certificate that is checked, AUTH; and syslog',
  { skip: labClosed },
  async () => {
    await using world = await startWorld();
    const folder = mkdtempSync(join(tmpdir(), 'postern-notices-'));
    ensureCertificate(folder, 'submission.lab.test');
    const { key, cert } = madeFiles(folder);
    await using postfix = await startPostfix({
      mainCf: {
        smtpd_tls_key_file: key,
        smtpd_tls_cert_file: cert,
        smtpd_tls_security_level: 'may',
        smtpd_tls_auth_only: 'yes',
        smtpd_client_auth_rate_limit: '0',
      },
      masterCf:
        '192.0.2.25:465 inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n  -o smtpd_sasl_auth_enable=yes\n',
    });
    appendFileSync('/etc/hosts', `${postfix.address} submission.lab.test other.lab.test\n`);
    const sent = async (server: string, password: string, trusted = cert): Promise<string> => {
      writeFileSync(join(folder, 'password'), `${password}\n`);
      const config = join(folder, 'postern.yaml');
      writeFileSync(
        config,
        `notices:\n  mailTo: [alice@lab.test]\n  mailServer: ${server}\n  mailPasswordFile: ${folder}/password\n  syslog: 'on'\n`,
      );
      const args = [`NODE_EXTRA_CA_CERTS=${trusted}`, process.execPath, main, 'notices', 'test', '--config', config];
      return runCommand('env', args);
    };
    for (const server of [
      'smtp://alice%40lab.test@submission.lab.test:587',
      'smtps://alice%40lab.test@submission.lab.test:465',
    ])
      assert.match(await sent(server, 'alicepw'), /^mail +taken\nsyslog +taken$/m);
    await world.log.settle();
    const logged = readFileSync(world.log.traditional, 'latin1');
    assert.equal(logged.split('sasl_method=PLAIN, sasl_username=alice@lab.test').length - 1, 2);
    assert.equal(logged.split(/ postern: this is a test of the notices$/m).length - 1, 2, 'both are in the mail log');
    const submission = 'smtp://alice%40lab.test@submission.lab.test:587';
    await assert.rejects(
      sent(submission, 'wrong'),
      /ended with 5: mail +the mail server answered 535[^]*syslog +taken/,
    );
    await assert.rejects(sent(submission, 'alicepw', '/dev/null'), /ended with 5: mail +.*self-signed/);
    await assert.rejects(sent(submission.replace('submission.', 'other.'), 'alicepw'), /altnames|does not match/);
    rmSync(folder, { recursive: true });
  },
);
