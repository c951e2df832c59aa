/** Recipients and senders that a server refuses, and runs of them. */
import { hasIPv6 } from '../lab/network.ts';
import type { Provocation } from './provocation.ts';

const guesses = 24;

const pipelinedGuesses = Array.from({ length: guesses }, (_, at) => `RCPT TO:<guess${at}@lab.test>`);

const overIPv6: Provocation = {
  what: 'unknown recipient over IPv6',
  client: '2001:db8:66::10',
  provoke: async ({ greet }, client) => {
    const smtp = await greet(client);
    await smtp.say('MAIL FROM:<s@remote.test>', 250);
    await smtp.say('RCPT TO:<nobody7@lab.test>', 550);
    await smtp.quit();
  },
  facts: [{ kind: 'recipient', outcome: 'unknown', recipient: 'nobody7@lab.test' }],
};

export const recipientProvocations: readonly Provocation[] = [
  {
    what: 'unknown recipients',
    client: '203.0.113.10',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<s@remote.test>', 250);
      await smtp.say('RCPT TO:<nobody1@lab.test>', 550);
      await smtp.say('RCPT TO:<nobody2@lab.test>', 550);
      await smtp.quit();
    },
    facts: [
      { kind: 'recipient', outcome: 'unknown', recipient: 'nobody1@lab.test' },
      { kind: 'recipient', outcome: 'unknown', recipient: 'nobody2@lab.test' },
    ],
  },
  {
    what: 'unknown recipient of a client without a name',
    client: '198.51.100.10',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<s@remote.test>', 250);
      await smtp.say('RCPT TO:<nobody3@lab.test>', 550);
      await smtp.quit();
    },
    facts: [{ kind: 'recipient', outcome: 'unknown', recipient: 'nobody3@lab.test' }],
  },
  {
    what: 'unknown recipient of a client with a forged name',
    client: '198.18.0.10',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<s@remote.test>', 250);
      await smtp.say('RCPT TO:<nobody4@lab.test>', 550);
      await smtp.quit();
    },
    facts: [{ kind: 'recipient', outcome: 'unknown', recipient: 'nobody4@lab.test' }],
  },
  ...(hasIPv6 ? [overIPv6] : []),
  {
    what: 'bounce to an unknown recipient',
    client: '203.0.113.11',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<>', 250);
      await smtp.say('RCPT TO:<nobody5@lab.test>', 550);
      await smtp.quit();
    },
    facts: [{ kind: 'recipient', outcome: 'unknown', sender: '', recipient: 'nobody5@lab.test' }],
  },
  {
    what: 'a guess under a sender longer than a line of the log has room for',
    client: '203.0.113.157',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say(`MAIL FROM:<"${'a'.repeat(220)}"@remote.test>`, 250);
      await smtp.say('RCPT TO:<nobody9@lab.test>', 5);
      await smtp.quit();
    },
    facts: [{ kind: 'recipient', outcome: 'unknown', recipient: 'nobody9@lab.test' }],
  },
  {
    what: 'relay attempt',
    client: '203.0.113.12',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<s@remote.test>', 250);
      await smtp.say('RCPT TO:<x@elsewhere.test>', 5);
      await smtp.quit();
    },
    facts: [{ kind: 'recipient', outcome: 'relay-denied', recipient: 'x@elsewhere.test' }],
  },
  {
    what: 'dictionary run in one write',
    client: '203.0.113.13',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.pipeline(['MAIL FROM:<s@remote.test>', ...pipelinedGuesses]);
      smtp.hangUp();
    },
    facts: [{ kind: 'recipient', outcome: 'unknown' }],
    timesMin: 19,
  },
  {
    what: 'over quota, told at RCPT',
    client: '203.0.113.14',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<s@remote.test> SIZE=5000', 250);
      await smtp.say('RCPT TO:<full@lab.test>');
      await smtp.quit();
    },
    facts: [{ kind: 'recipient', outcome: 'over-quota', recipient: 'full@lab.test' }],
    but: { sendmail: { why: 'it has no question to ask about quota before the message', facts: [] } },
  },
  {
    what: 'message larger than allowed',
    client: '203.0.113.15',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<s@remote.test> SIZE=99999999', 552);
      await smtp.quit();
    },
    facts: [{ kind: 'sender', outcome: 'rejected', reason: 'size' }],
    but: { sendmail: { why: 'its line for the transaction says the size, not that it was refused', facts: [] } },
  },
  {
    what: 'more recipients than a message may have',
    client: '203.0.113.16',
    provoke: async ({ greet, delivery }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<s@remote.test>', 250);
      await smtp.pipeline(Array.from({ length: 44 }, (_, at) => `RCPT TO:<u${at}@catchall.test>`));
      await smtp.message('Subject: many\n\nhello', 250);
      await smtp.quit();
      await delivery('u0@catchall.test', 'sent');
    },
    facts: [{ kind: 'limit', reason: 'recipients' }],
    but: { postfix: { why: 'it logs nothing for 452 4.5.3', facts: [] } },
  },
];
