/** Logins over SMTP: guesses, nonsense, and the right password. */
import { clientWithLongName } from '../lab/network.ts';
import type { Provocation } from './provocation.ts';

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

export const accountProvocations: readonly Provocation[] = [
  {
    what: 'wrong password, AUTH PLAIN',
    client: '203.0.113.20',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client, 587);
      await smtp.authPlain('alice@lab.test', 'wrong', 535);
      await smtp.quit();
    },
    facts: [{ kind: 'auth', outcome: 'failure', account: 'alice@lab.test' }],
  },
  {
    what: 'wrong password, AUTH LOGIN',
    client: '203.0.113.21',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client, 587);
      await smtp.authLogin('bob@lab.test', 'wrong', 535);
      await smtp.quit();
    },
    facts: [{ kind: 'auth', outcome: 'failure', account: 'bob@lab.test' }],
  },
  {
    what: 'a relay attempt and wrong passwords of a client with a long name',
    client: clientWithLongName,
    provoke: async ({ greet }, client) => {
      const relay = await greet(client);
      await relay.say('MAIL FROM:<s@remote.test>', 250);
      await relay.say('RCPT TO:<far@elsewhere.test>', 5);
      await relay.quit();
      const smtp = await greet(client, 587);
      await smtp.authPlain('alice@lab.test', 'wrong', 535);
      await smtp.authPlain('bob@lab.test', 'wrong', 535);
      await smtp.quit();
    },
    facts: [
      { kind: 'auth', outcome: 'failure', account: 'alice@lab.test' },
      { kind: 'auth', outcome: 'failure', account: 'bob@lab.test' },
      { kind: 'recipient', outcome: 'relay-denied', recipient: 'far@elsewhere.test' },
    ],
  },
  {
    what: 'account that does not exist',
    client: '203.0.113.22',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client, 587);
      await smtp.authPlain('admin@lab.test', 'admin', 535);
      await smtp.quit();
    },
    facts: [{ kind: 'auth', outcome: 'failure', account: 'admin@lab.test' }],
  },
  {
    what: 'AUTH that is no base64',
    client: '203.0.113.23',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client, 587);
      await smtp.say('AUTH PLAIN !!!', 5);
      await smtp.quit();
    },
    facts: [{ kind: 'auth', outcome: 'failure', reason: 'malformed' }],
  },
  {
    what: 'AUTH given up half-way',
    client: '203.0.113.24',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client, 587);
      await smtp.say('AUTH LOGIN', 334);
      await smtp.say('*', 5);
      await smtp.quit();
    },
    facts: [{ kind: 'auth', outcome: 'failure', reason: 'aborted' }],
    but: { sendmail: { why: 'it does not log it', facts: [] } },
  },
  {
    what: 'authenticated message with a stale address',
    client: '203.0.113.25',
    provoke: async ({ greet, delivery }, client) => {
      const smtp = await greet(client, 587);
      await smtp.authPlain('bob@lab.test', 'bobpw', 235);
      await smtp.send('bob@lab.test', ['friend@remote.test', 'bounce-friend@remote.test'], 'Subject: hi\n\nhello');
      await smtp.quit();
      await delivery('friend@remote.test', 'sent');
      await delivery('bounce-friend@remote.test', 'bounced');
    },
    facts: [
      { kind: 'auth', outcome: 'success', account: 'bob@lab.test' },
      { kind: 'message', account: 'bob@lab.test', sender: 'bob@lab.test' },
      { kind: 'delivery', outcome: 'sent', recipient: 'friend@remote.test', remote: true },
      { kind: 'delivery', outcome: 'bounced', recipient: 'bounce-friend@remote.test', remote: true },
    ],
  },
  {
    what: 'account name that looks like a log line',
    client: '203.0.113.26',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client, 587);
      const account = 'x], sasl_username=bob@lab.test, relay=h [192.0.2.66], client=h[192.0.2.66';
      await smtp.say(`AUTH PLAIN ${base64(`\0${account}\0guess`)}`, 535);
      await smtp.quit();
    },
    facts: [{ kind: 'auth', outcome: 'failure' }],
  },
];
