/** What only Exim has: an ACL at every stage, from HELO to the end of the message. */
import type { Fact, Provocation } from './provocation.ts';

const acls = `
acl_strict_helo:
  deny condition = \${if match{$sender_helo_name}{badhelo}}
       message = your HELO is refused
  accept
acl_strict_mail:
  deny senders = *@spam.test
       message = sender is refused
  deny condition = \${if eq{$sender_helo_name}{nohelo.test}}
       message = HELO of no use
  accept
acl_strict_predata:
  deny condition = \${if match{$sender_address}{predata}}
       message = refused before DATA
  accept
acl_strict_mime:
  deny condition = \${if match{$mime_filename}{exe}}
       message = no programs
  accept
acl_strict_data:
  deny !verify = header_syntax
  warn condition = \${if match{$h_subject:}{noted}}
       log_message = noted $h_subject:
  defer condition = \${if match{$h_subject:}{later}}
       message = scanner is away
  discard condition = \${if match{$h_subject:}{blackhole}}
       log_message = discarded
  drop condition = \${if match{$h_subject:}{go away}}
       message = dropped
  deny condition = \${if match{$h_subject:}{virus}}
       message = malware found: X
       log_message = malware ($h_subject:)
  deny condition = \${if match{$h_subject:}{spam}}
       message = This message scored 12 points
  warn condition = \${if match{$h_subject:}{freeze}}
       control = freeze
  accept
acl_strict_no:
  deny
       message = not here
`;

/** The lab's Exim, made strict. */
export const strictExim = (config: string): string =>
  config
    .replace('tls_advertise_hosts =\n', 'tls_advertise_hosts = *\n')
    .replace(
      'acl_smtp_connect',
      `acl_smtp_helo = acl_strict_helo
acl_smtp_mail = acl_strict_mail
acl_smtp_predata = acl_strict_predata
acl_smtp_mime = acl_strict_mime
acl_smtp_data = acl_strict_data
acl_smtp_vrfy = acl_strict_no
acl_smtp_expn = acl_strict_no
acl_smtp_etrn = acl_strict_no
acl_smtp_starttls = acl_strict_no
acl_smtp_connect`,
    )
    .replace('begin acl\n', `begin acl\n${acls}`);

const mime =
  'MIME-Version: 1.0\nContent-Type: application/x; name="a.exe"\nContent-Disposition: attachment; filename="a.exe"';

/** A message of a client, or of an account, that meets an ACL after DATA. */
const message = (
  what: string,
  client: string,
  text: string,
  code: number,
  facts: readonly Fact[],
  sender = 's@remote.test',
): Provocation => ({
  what,
  client,
  provoke: async ({ greet }) => {
    const smtp = await greet(client);
    await smtp.say(`MAIL FROM:<${sender}>`, 250);
    await smtp.say('RCPT TO:<alice@lab.test>', 250);
    await smtp.message(text, code);
    smtp.hangUp();
  },
  facts,
});

const refused = (fields: Fact): Fact => ({ kind: 'other', outcome: 'rejected', reason: 'content', ...fields });

export const eximProvocations: readonly Provocation[] = [
  message('spam after DATA', '203.0.113.120', 'Subject: spam\n\nhello', 550, [refused({ sender: 's@remote.test' })]),
  message('virus after DATA', '203.0.113.121', 'Subject: virus\n\nhello', 550, [refused({})]),
  message('scanner away', '203.0.113.122', 'Subject: later\n\nhello', 451, [refused({ outcome: 'deferred' })]),
  message('dropped after DATA', '203.0.113.123', 'Subject: go away\n\nhello', 550, [refused({})]),
  message('an attachment', '203.0.113.124', `Subject: x\n${mime}\n\nhello`, 550, [refused({})]),
  message('bad header', '203.0.113.125', 'Subject: x\nFrom: a@b@c <\n\nhello', 550, [refused({})]),
  message('discarded', '203.0.113.126', 'Subject: blackhole\n\nhello', 250, []),
  message('frozen', '203.0.113.127', 'Subject: freeze\n\nhello', 250, [{ kind: 'message', sender: 's@remote.test' }]),
  message('noted', '203.0.113.128', 'Subject: noted\n\nhello', 250, [{ kind: 'message' }]),
  message(
    'a subject that looks like a log line',
    '203.0.113.129',
    'Subject: virus H=x [192.0.2.66] F=<a@b> A=plain:bob@lab.test rejected after DATA: x\n\nhello',
    550,
    [refused({ account: undefined })],
  ),
  message(
    'a sender that looks like a log line',
    '203.0.113.130',
    'Subject: spam\n\nhello',
    550,
    [refused({ account: undefined })],
    '"x A=plain:bob@lab.test rejected RCPT <y H=x [192.0.2.66]"@remote.test',
  ),
  message(
    'a sender that looks like an arrival',
    '203.0.113.138',
    'Subject: H=x [192.0.2.66]\n\nhello',
    250,
    [{ kind: 'message', account: undefined }],
    '"x H=y [192.0.2.66] P=esmtpa A=plain:bob@lab.test"@remote.test',
  ),
  {
    what: 'spam of an account',
    client: '203.0.113.131',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client, 587);
      await smtp.authPlain('bob@lab.test', 'bobpw', 235);
      await smtp.say('MAIL FROM:<bob@lab.test>', 250);
      await smtp.say('RCPT TO:<x@remote.test>', 250);
      await smtp.message('Subject: spam\n\nhello', 550);
      await smtp.quit();
    },
    facts: [refused({ account: 'bob@lab.test', sender: 'bob@lab.test' })],
  },
  {
    what: 'refused at HELO, MAIL, before DATA',
    client: '203.0.113.132',
    provoke: async ({ dial }, client) => {
      const smtp = await dial(client, 25);
      await smtp.say('EHLO badhelo', 550);
      await smtp.say('EHLO client.test', 250);
      await smtp.say('MAIL FROM:<x@spam.test>', 550);
      await smtp.say('MAIL FROM:<predata@remote.test>', 250);
      await smtp.say('RCPT TO:<alice@lab.test>', 250);
      await smtp.say('DATA', 550);
      await smtp.quit();
    },
    facts: [
      { kind: 'helo', outcome: 'rejected' },
      { kind: 'sender', outcome: 'rejected' },
      { kind: 'other', outcome: 'rejected' },
    ],
  },
  {
    what: 'asks for what is refused',
    client: '203.0.113.133',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('VRFY alice', 5);
      await smtp.say('EXPN list', 5);
      await smtp.say('ETRN #lab.test');
      await smtp.say('STARTTLS');
      await smtp.quit();
    },
    facts: [{ kind: 'other', outcome: 'rejected' }],
  },
  {
    what: 'addresses that are none',
    client: '203.0.113.134',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<a b@remote.test>');
      await smtp.say('MAIL FROM:<root>');
      await smtp.say('MAIL FROM:<s@remote.test>', 250);
      await smtp.say('RCPT TO:<root>');
      await smtp.say('RCPT TO:<a@b@c>');
      smtp.hangUp();
    },
    facts: [],
  },
  {
    what: 'message too large, told at the end of it',
    client: '203.0.113.135',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<s@remote.test>', 250);
      await smtp.say('RCPT TO:<alice@lab.test>', 250);
      await smtp.message(`Subject: x\n\n${`${'x'.repeat(990)}\n`.repeat(10_700)}`, 552);
      smtp.hangUp();
    },
    facts: [{ kind: 'other', outcome: 'rejected', reason: 'size' }],
  },
  {
    what: 'commands in the wrong order',
    client: '203.0.113.136',
    provoke: async ({ dial }, client) => {
      const smtp = await dial(client, 25);
      await smtp.say('RCPT TO:<alice@lab.test>', 5);
      await smtp.say('DATA', 5);
      await smtp.say('AUTH PLAIN AAAA', 5);
      smtp.hangUp();
    },
    facts: [{ kind: 'command-error' }],
  },
  {
    what: 'goes away in the middle of DATA',
    client: '203.0.113.137',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<s@remote.test>', 250);
      await smtp.say('RCPT TO:<alice@lab.test>', 250);
      await smtp.say('DATA', 354);
      smtp.write('Subject: x\r\n\r\nhello');
      smtp.hangUp();
    },
    facts: [],
  },
];

/** An Exim that answers VRFY, asks for a HELO that is true, and takes few messages in one connection. */
export const curiousExim = (config: string): string =>
  config
    .replace('tls_advertise_hosts =\n', 'tls_advertise_hosts = *\n')
    .replace(
      'acl_smtp_connect',
      `helo_verify_hosts = 203.0.113.160
smtp_accept_max_per_connection = 1
acl_smtp_vrfy = acl_curious_yes
acl_smtp_connect`,
    )
    .replace('begin acl\n', 'begin acl\nacl_curious_yes:\n  accept\n');

export const curiousEximProvocations: readonly Provocation[] = [
  {
    what: 'a HELO that is not true',
    client: '203.0.113.160',
    provoke: async ({ dial }, client) => {
      const smtp = await dial(client, 25);
      await smtp.say('EHLO pretended.test', 5);
      await smtp.say('HELO x"\\ from y [192.0.2.66]', 5);
      await smtp.quit();
    },
    facts: [{ kind: 'helo', outcome: 'rejected' }],
  },
  {
    what: 'asks by VRFY who is there',
    client: '203.0.113.161',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('VRFY alice@lab.test', 2);
      await smtp.say('VRFY nobody-here@lab.test', 5);
      await smtp.say('VRFY "x H=y [192.0.2.66]"@lab.test', 5);
      await smtp.quit();
    },
    facts: [{ kind: 'recipient', outcome: 'unknown', recipient: 'nobody-here@lab.test' }],
  },
  {
    what: 'more messages than one connection may bring',
    client: '203.0.113.162',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      for (const code of [250, 4]) {
        await smtp.say('MAIL FROM:<s@remote.test>', code);
        if (code !== 250) break;
        await smtp.say('RCPT TO:<alice@lab.test>', 250);
        await smtp.message('Subject: x\n\nhello', 250);
      }
      smtp.hangUp();
    },
    facts: [{ kind: 'limit', reason: 'message-rate' }],
  },
  {
    what: 'addresses without a domain',
    client: '203.0.113.164',
    provoke: async ({ greet }, client) => {
      const first = await greet(client);
      await first.say('MAIL FROM:<root>', 5);
      await first.quit();
      const second = await greet(client);
      await second.say('MAIL FROM:<s@remote.test>', 250);
      await second.say('RCPT TO:<root>', 5);
      await second.quit();
    },
    facts: [
      { kind: 'sender', outcome: 'rejected' },
      { kind: 'recipient', outcome: 'rejected', recipient: 'root' },
    ],
  },
  {
    what: 'no TLS where it asked for it',
    client: '203.0.113.163',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('STARTTLS', 2);
      smtp.write('EHLO client.test\r\n');
      await smtp.closed();
    },
    facts: [{ kind: 'tls', outcome: 'failure' }],
  },
];
