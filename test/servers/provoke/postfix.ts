/** What only Postfix has: postscreen, and limits for logins and messages. */
import { dialSmtp } from '../lab/dialogue.ts';
import { hosts } from '../lab/network.ts';
import type { Provocation } from './provocation.ts';

const dialPostscreen = (client: string, early = ''): ReturnType<typeof dialSmtp> =>
  dialSmtp({ from: client, to: hosts.postscreen, port: 25 }, early);

export const postfixProvocations: readonly Provocation[] = [
  {
    what: 'talks to postscreen before the greeting',
    client: '203.0.113.60',
    provoke: async (_, client) => {
      const smtp = await dialPostscreen(client, 'EHLO early.test\r\n');
      await smtp.say('QUIT');
      await smtp.closed();
    },
    facts: [{ kind: 'early-talk' }],
  },
  {
    what: 'leaves while postscreen waits',
    client: '203.0.113.61',
    provoke: async ({ logged }, client) => {
      const smtp = await dialPostscreen(client);
      smtp.hangUp();
      await logged(`HANGUP after`);
    },
    facts: [{ kind: 'connect' }],
  },
  {
    what: 'on postscreen’s own list',
    client: '203.0.113.66',
    provoke: async (_, client) => {
      const smtp = await dialPostscreen(client);
      await smtp.say('EHLO client.test');
      await smtp.say('MAIL FROM:<s@remote.test>');
      await smtp.say('RCPT TO:<alice@lab.test>', 5);
      await smtp.say('QUIT');
    },
    facts: [{ kind: 'recipient', outcome: 'rejected', recipient: 'alice@lab.test' }],
  },
  {
    what: 'pipelines to postscreen without being offered to',
    client: '203.0.113.62',
    provoke: async (_, client) => {
      const smtp = await dialPostscreen(client);
      await smtp.say('HELO client.test');
      await smtp.pipeline(['MAIL FROM:<s@remote.test>', 'RCPT TO:<alice@lab.test>']);
      await smtp.say('QUIT');
    },
    facts: [{ kind: 'command-error', reason: 'pipelining' }],
  },
  {
    what: 'HTTP to postscreen',
    client: '203.0.113.63',
    provoke: async (_, client) => {
      const smtp = await dialPostscreen(client);
      await smtp.say('CONNECT 192.0.2.66:25 HTTP/1.0');
      smtp.hangUp();
    },
    facts: [{ kind: 'command-error', reason: 'non-smtp' }],
  },
  {
    what: 'too many logins in a minute',
    client: '203.0.113.64',
    provoke: async ({ greet }, client) => {
      for (let attempt = 0; attempt < 8; attempt++) {
        const smtp = await greet(client, 587);
        await smtp.say('AUTH PLAIN !!!');
        smtp.hangUp();
      }
    },
    facts: [{ kind: 'limit', reason: 'auth-rate' }],
  },
  {
    what: 'too many messages in a minute',
    client: '203.0.113.65',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      for (let message = 0; message < 32; message++) {
        await smtp.say('MAIL FROM:<s@remote.test>');
        await smtp.say('RSET');
      }
      smtp.hangUp();
    },
    facts: [{ kind: 'limit', reason: 'message-rate' }],
  },
  {
    what: 'a HELO that looks like a login',
    client: '203.0.113.67',
    provoke: async ({ dial }, client) => {
      const smtp = await dial(client, 25);
      await smtp.say('EHLO x> sasl_username=<bob@lab.test', 250);
      await smtp.say('MAIL FROM:<s@remote.test>', 250);
      await smtp.say('RCPT TO:<nobody8@lab.test>', 550);
      await smtp.quit();
    },
    facts: [{ kind: 'recipient', outcome: 'unknown', recipient: 'nobody8@lab.test', account: undefined }],
  },
  {
    what: 'bare newlines to postscreen',
    client: '203.0.113.68',
    provoke: async (_, client) => {
      const smtp = await dialPostscreen(client);
      await smtp.say('EHLO client.test', 250);
      smtp.write('NOOP\n');
      smtp.hangUp();
    },
    facts: [{ kind: 'command-error', reason: 'bare-newline' }],
  },
  {
    what: 'too many commands to postscreen',
    client: '203.0.113.69',
    provoke: async (_, client) => {
      const smtp = await dialPostscreen(client);
      for (let command = 0; command < 30; command++) {
        const { code } = await smtp.say('NOOP');
        if (code === 0 || code === 421) break;
      }
      smtp.hangUp();
    },
    facts: [{ kind: 'command-error', reason: 'too-many-errors' }],
  },
  {
    what: 'DATA to postscreen without a recipient, and a line that never ends',
    client: '203.0.113.70',
    provoke: async ({ logged }, client) => {
      const smtp = await dialPostscreen(client);
      await smtp.say('EHLO client.test', 250);
      await smtp.say('MAIL FROM:<s@remote.test>');
      await smtp.say('DATA');
      await smtp.say(`RCPT TO:<${'a'.repeat(4000)}@lab.test>`);
      smtp.hangUp();
      await logged('DATA without valid RCPT from');
    },
    facts: [{ kind: 'command-error', reason: 'syntax' }],
  },
  {
    what: 'a guess under a sender that leaves no room for the recipient',
    client: '203.0.113.158',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say(`MAIL FROM:<"${'a'.repeat(1950)}"@remote.test>`, 250);
      await smtp.say('RCPT TO:<nobody10@lab.test>', 550);
      await smtp.say('RCPT TO:<far@elsewhere.test>', 554);
      await smtp.quit();
    },
    facts: [
      { kind: 'recipient', outcome: 'unknown', recipient: 'nobody10@lab.test' },
      { kind: 'recipient', outcome: 'relay-denied', recipient: 'far@elsewhere.test' },
    ],
  },
];
