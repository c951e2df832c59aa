/** Clients that do not speak SMTP as it is meant. */
import type { Provocation } from './provocation.ts';

export const dialogueProvocations: readonly Provocation[] = [
  {
    what: 'talks before the greeting',
    client: '203.0.113.30',
    provoke: async ({ dial }, client) => {
      const smtp = await dial(client, 25, 'EHLO early.test\r\nMAIL FROM:<s@remote.test>\r\n');
      smtp.hangUp();
    },
    facts: [{ kind: 'early-talk' }],
    but: { postfix: { why: 'smtpd notices it only by chance; postscreen is there to notice it', facts: [] } },
  },
  {
    what: 'HTTP on the SMTP port',
    client: '203.0.113.31',
    provoke: async ({ dial }, client) => {
      const smtp = await dial(client, 25);
      await smtp.pipeline(['GET / HTTP/1.1', 'Host: mx.lab.test', '']);
      smtp.hangUp();
    },
    facts: [{ kind: 'command-error' }],
  },
  {
    what: 'commands that do not exist',
    client: '203.0.113.32',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      for (let commands = 0; commands < 30; commands++) {
        const { code } = await smtp.say('FOO bar');
        if (code === 0 || code === 421) break;
      }
      smtp.hangUp();
    },
    facts: [{ kind: 'command-error' }],
    but: {
      sendmail: {
        why: 'at its usual log level it says only that no mail came',
        facts: [{ kind: 'disconnect', reason: 'no-mail' }],
      },
    },
  },
  {
    what: 'connects and says nothing',
    client: '203.0.113.33',
    provoke: async ({ dial }, client) => {
      const smtp = await dial(client, 25);
      smtp.hangUp();
    },
    facts: [{ kind: 'disconnect' }],
    but: { exim: { why: 'it logs connections only when told to', facts: [] } },
  },
  {
    what: 'goes away in the middle of a message',
    client: '203.0.113.34',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('MAIL FROM:<s@remote.test>', 250);
      await smtp.say('RCPT TO:<alice@lab.test>', 250);
      await smtp.say('DATA', 354);
      smtp.write('Subject: cut');
      smtp.hangUp();
    },
    facts: [{ kind: 'disconnect' }],
  },
  {
    what: 'asks for users',
    client: '203.0.113.35',
    provoke: async ({ greet }, client) => {
      const smtp = await greet(client);
      await smtp.say('VRFY alice');
      await smtp.say('EXPN list');
      await smtp.say('ETRN lab.test');
      await smtp.quit();
    },
    facts: [],
  },
  {
    what: 'HELO and addresses that look like a log line',
    client: '203.0.113.36',
    provoke: async ({ dial }, client) => {
      const smtp = await dial(client, 25);
      await smtp.say('HELO h[192.0.2.66]: 550 5.1.1 <x@lab.test>: User unknown; client=h[192.0.2.66]');
      await smtp.say('HELO client.test', 250);
      await smtp.say('MAIL FROM:<"H=h [192.0.2.66] relay=h [192.0.2.66] from h[192.0.2.66]"@remote.test>');
      await smtp.say('RCPT TO:<"a from h[192.0.2.66]: 550 H=h [192.0.2.66]"@lab.test>');
      await smtp.say('RCPT TO:<nobody6@lab.test>');
      await smtp.quit();
    },
    facts: [{ kind: 'recipient', recipient: 'nobody6@lab.test' }],
  },
  {
    what: 'too many connections in a minute',
    client: '203.0.113.37',
    provoke: async ({ dial }, client) => {
      for (let connection = 0; connection < 15; connection++) {
        const smtp = await dial(client, 25);
        smtp.hangUp();
      }
    },
    facts: [{ kind: 'limit', reason: 'connection-rate' }],
  },
  {
    what: 'too many connections at once',
    client: '203.0.113.38',
    provoke: async ({ dial }, client) => {
      const dialogues = await Promise.all(Array.from({ length: 8 }, () => dial(client, 25)));
      for (const smtp of dialogues) smtp.hangUp();
    },
    facts: [{ kind: 'limit', reason: 'concurrency' }],
  },
];
