/** Postfix with checks at every stage: HELO, sender, DATA, end of data, headers and bodies. */
import type { PostfixOptions } from '../lab/postfix.ts';
import type { Fact, Provocation } from './provocation.ts';

export const strictPostfix: PostfixOptions = {
  mainCf: {
    smtpd_delay_reject: 'no',
    smtpd_helo_restrictions: 'reject_invalid_helo_hostname',
    smtpd_sender_restrictions:
      'check_sender_access inline:{{no@remote.test = REJECT}, {hold@remote.test = HOLD look at it}, {gone@remote.test = DISCARD}, {warn@remote.test = WARN so so}}',
    smtpd_data_restrictions:
      'check_sender_access inline:{{data@remote.test = REJECT at DATA}}, reject_unauth_pipelining',
    smtpd_end_of_data_restrictions:
      'check_sender_access inline:{{eod@remote.test = REJECT}, {eod@lab.test = REJECT spam}}',
    header_checks:
      'regexp:{{/^Subject: spam/ REJECT spam}, {/^Subject: hold/ HOLD}, {/^Subject: gone/ DISCARD}, {/^Subject: noted/ WARN}, {/^Subject: copy/ PREPEND X-Copy: yes}}',
    body_checks: 'regexp:{{/^buy/ REJECT 4.7.1 perhaps later}}',
  },
};

const message = (
  what: string,
  client: string,
  sender: string,
  text: string,
  code: number,
  facts: readonly Fact[],
): Provocation => ({
  what,
  client,
  provoke: async ({ greet, logged }) => {
    const smtp = await greet(client);
    await smtp.say(`MAIL FROM:<${sender}>`, 250);
    await smtp.say('RCPT TO:<alice@lab.test>', 250);
    await smtp.message(text, code);
    await smtp.quit();
    // The queue manager speaks only after the client has heard that its message is accepted.
    if (facts.some(({ kind }) => kind === 'message')) await logged(`from=<${sender}>, size=`);
  },
  facts,
});

const refused = (fields: Fact): Fact => ({ kind: 'other', outcome: 'rejected', reason: 'content', ...fields });

export const strictPostfixProvocations: readonly Provocation[] = [
  message('end of data', '203.0.113.140', 'eod@remote.test', 'Subject: x\n\nhello', 554, [
    refused({ sender: 'eod@remote.test', recipient: 'alice@lab.test' }),
  ]),
  message('spam header', '203.0.113.141', 's@remote.test', 'Subject: spam\n\nhello', 550, [
    refused({ sender: 's@remote.test' }),
  ]),
  message('held by a header', '203.0.113.142', 's@remote.test', 'Subject: hold\n\nhello', 250, [
    { kind: 'queue', reason: 'hold' },
  ]),
  message('discarded by a header', '203.0.113.143', 's@remote.test', 'Subject: gone\n\nhello', 250, [
    { kind: 'other' },
  ]),
  message('noted header', '203.0.113.144', 'noted@remote.test', 'Subject: noted\n\nhello', 250, [{ kind: 'message' }]),
  message('more header', '203.0.113.145', 'copy@remote.test', 'Subject: copy\n\nhello', 250, [{ kind: 'message' }]),
  message('body that is refused', '203.0.113.146', 's@remote.test', 'Subject: x\n\nbuy', 451, [
    refused({ outcome: 'deferred' }),
  ]),
  message(
    'header that looks like the end of its line',
    '203.0.113.147',
    's@remote.test',
    'Subject: spam from x[192.0.2.66]; from=<> to=<a@b> proto=SMTP helo=<x> sasl_username=<bob@lab.test>: 5.7.1\n\nhello',
    550,
    [refused({ account: undefined })],
  ),
  message('sender on hold', '203.0.113.148', 'hold@remote.test', 'Subject: x\n\nhello', 250, [
    { kind: 'queue', reason: 'hold' },
  ]),
  message('sender warned of', '203.0.113.149', 'warn@remote.test', 'Subject: x\n\nhello', 250, [{ kind: 'message' }]),
  message(
    'sender that looks like a login',
    '203.0.113.150',
    '"> helo=<x> sasl_username=<bob@lab.test"@remote.test',
    'Subject: spam\n\nhello',
    550,
    [refused({ account: undefined })],
  ),
  {
    what: 'refused at HELO, MAIL, DATA',
    client: '203.0.113.151',
    provoke: async ({ dial }, client) => {
      const smtp = await dial(client, 25);
      await smtp.say('EHLO -x-', 501);
      await smtp.say('EHLO "x> sasl_username=<bob@lab.test"');
      await smtp.say('MAIL FROM:<no@remote.test>');
      await smtp.say('EHLO client.test', 250);
      await smtp.say('MAIL FROM:<no@remote.test>', 554);
      await smtp.say('MAIL FROM:<data@remote.test>', 250);
      await smtp.say('RCPT TO:<alice@lab.test>', 250);
      await smtp.say('DATA', 554);
      await smtp.say('RSET', 250);
      await smtp.say('ETRN lab.test');
      await smtp.say('BDAT x');
      smtp.hangUp();
    },
    facts: [
      { kind: 'helo', outcome: 'rejected', reason: 'helo' },
      { kind: 'sender', outcome: 'rejected', sender: 'no@remote.test', account: undefined },
      { kind: 'other', outcome: 'rejected', sender: 'data@remote.test' },
    ],
  },
  {
    what: 'spam of an account',
    client: '203.0.113.152',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client, 587);
      await smtp.authPlain('bob@lab.test', 'bobpw', 235);
      await smtp.say('MAIL FROM:<eod@lab.test>', 250);
      await smtp.say('RCPT TO:<friend@remote.test>', 250);
      await smtp.message('Subject: x\n\nhello', 554);
      await smtp.say('RSET', 250);
      await smtp.say('MAIL FROM:<bob@lab.test>', 250);
      await smtp.say('RCPT TO:<friend@remote.test>', 250);
      await smtp.message('Subject: spam\n\nhello', 550);
      await smtp.quit();
    },
    facts: [
      refused({ account: 'bob@lab.test', sender: 'eod@lab.test' }),
      refused({ account: 'bob@lab.test', sender: 'bob@lab.test' }),
    ],
  },
  {
    what: 'an account whose AUTH= looks like another client',
    client: '203.0.113.155',
    provoke: async ({ greet, logged }, client) => {
      const smtp = await greet(client, 587);
      await smtp.authPlain('bob@lab.test', 'bobpw', 235);
      await smtp.say('MAIL FROM:<posing@lab.test> AUTH=<x, orig_client=h[192.0.2.66]>', 250);
      await smtp.say('RCPT TO:<friend@remote.test>', 250);
      await smtp.message('Subject: x\n\nhello', 250);
      await smtp.quit();
      await logged('from=<posing@lab.test>, size=');
    },
    facts: [{ kind: 'message', account: 'bob@lab.test', sender: 'posing@lab.test' }],
  },
];

/** With smtpd_reject_unlisted_sender: what is unknown is the sender, and no recipient is harvested. */
export const unlistedSenders: readonly Provocation[] = [
  {
    what: 'a sender that is no account of ours',
    client: '203.0.113.153',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<nobody-here@lab.test>', 250);
      await smtp.say('RCPT TO:<alice@lab.test>', 5);
      await smtp.quit();
    },
    facts: [{ kind: 'recipient', outcome: 'rejected', sender: 'nobody-here@lab.test', recipient: 'alice@lab.test' }],
  },
  {
    what: 'a recipient that is no account of ours',
    client: '203.0.113.154',
    provoke: async ({ greet }, client) => {
      for (let session = 0; session < 3; session++) {
        const smtp = await greet(client);
        await smtp.say('MAIL FROM:<s@remote.test>', 250);
        await smtp.say('RCPT TO:<nobody-here@lab.test>', 5);
        await smtp.quit();
      }
    },
    facts: [{ kind: 'recipient', outcome: 'unknown', recipient: 'nobody-here@lab.test' }],
  },
];
