/** What becomes of accepted mail, and mail that starts on the machine itself. */
import { webUser } from './provocation.ts';
import type { Provocation } from './provocation.ts';

const large = `${'x'.repeat(900)}\n${'y'.repeat(900)}`;
const stale = ['bounce1@remote.test', 'bounce2@remote.test', 'bounce3@remote.test', 'bounce4@remote.test'];

export const deliveryProvocations: readonly Provocation[] = [
  {
    what: 'message from abroad',
    client: '203.0.113.40',
    provoke: async ({ greet, delivery }, client) => {
      const smtp = await greet(client);
      await smtp.send('s@remote.test', ['alice@lab.test'], 'Subject: hello\n\nhello');
      await smtp.quit();
      await delivery('alice@lab.test', 'sent');
    },
    facts: [
      { kind: 'message', sender: 's@remote.test' },
      { kind: 'delivery', outcome: 'sent', recipient: 'alice@lab.test' },
    ],
  },
  {
    what: 'over quota, told too late',
    client: '203.0.113.41',
    provoke: async ({ greet, delivery }, client) => {
      const smtp = await greet(client);
      await smtp.send('s@remote.test', ['full@lab.test'], `Subject: large\n\n${large}`);
      await smtp.quit();
      await delivery('full@lab.test', 'bounced');
    },
    facts: [{ kind: 'delivery', outcome: 'bounced', recipient: 'full@lab.test' }],
  },
  {
    what: 'alias that forwards',
    client: '203.0.113.42',
    provoke: async ({ greet, sink }, client) => {
      const smtp = await greet(client);
      await smtp.send('s@remote.test', ['fwd@lab.test'], 'Subject: forward\n\nhello');
      await smtp.quit();
      await sink.messageTo('someone@remote.test');
    },
    facts: [
      { kind: 'delivery', outcome: 'sent', recipient: 'someone@remote.test', origin: 'fwd@lab.test', remote: true },
    ],
    but: {
      sendmail: {
        why: 'it names the address as it came, not the one it sent to',
        facts: [{ kind: 'delivery', outcome: 'sent', recipient: 'fwd@lab.test', remote: true }],
      },
    },
  },
  {
    what: 'list with stale addresses',
    client: '203.0.113.43',
    provoke: async ({ greet, delivery }, client) => {
      const smtp = await greet(client);
      await smtp.send('s@remote.test', ['list@lab.test'], 'Subject: news\n\nhello');
      await smtp.quit();
      for (const address of stale) await delivery(address, 'bounced');
    },
    facts: stale.map((recipient) => ({ kind: 'delivery', outcome: 'bounced', recipient, remote: true })),
  },
  {
    what: 'other side says later',
    client: '203.0.113.44',
    provoke: async ({ greet, delivery }, client) => {
      const smtp = await greet(client, 587);
      await smtp.authPlain('bob@lab.test', 'bobpw', 235);
      await smtp.send('bob@lab.test', ['defer1@remote.test'], 'Subject: later\n\nhello');
      await smtp.quit();
      await delivery('defer1@remote.test', 'deferred');
    },
    facts: [{ kind: 'delivery', outcome: 'deferred', recipient: 'defer1@remote.test' }],
  },
  {
    what: 'other side is not there',
    client: '203.0.113.45',
    provoke: async ({ greet, delivery }, client) => {
      const smtp = await greet(client, 587);
      await smtp.authPlain('bob@lab.test', 'bobpw', 235);
      await smtp.send('bob@lab.test', ['x@tempfail.test'], 'Subject: refused\n\nhello');
      await smtp.quit();
      await delivery('x@tempfail.test', 'deferred');
    },
    facts: [{ kind: 'delivery', outcome: 'deferred', recipient: 'x@tempfail.test' }],
  },
  {
    what: 'domain that does not exist',
    client: '203.0.113.46',
    provoke: async ({ greet, delivery }, client) => {
      const smtp = await greet(client, 587);
      await smtp.authPlain('bob@lab.test', 'bobpw', 235);
      await smtp.send('bob@lab.test', ['y@hardfail.test'], 'Subject: nowhere\n\nhello');
      await smtp.quit();
      await delivery('y@hardfail.test', 'bounced');
    },
    facts: [{ kind: 'delivery', outcome: 'bounced', recipient: 'y@hardfail.test' }],
  },
  {
    what: 'script on the machine',
    client: '127.0.0.1',
    provoke: async ({ runScript, delivery }) => {
      await runScript(['-t'], 'Subject: script\nTo: customer@remote.test\n\nhello\n');
      await delivery('customer@remote.test', 'sent');
    },
    facts: [
      { kind: 'message', client: undefined, user: webUser.name },
      { kind: 'delivery', outcome: 'sent', recipient: 'customer@remote.test', remote: true },
    ],
    but: {
      postfix: {
        why: 'it logs the uid',
        facts: [
          { kind: 'message', client: undefined, user: String(webUser.id) },
          { kind: 'delivery', outcome: 'sent', recipient: 'customer@remote.test', remote: true },
        ],
      },
    },
  },
  {
    what: 'script with a sender of its own choice and a stale address',
    client: '127.0.0.2',
    provoke: async ({ runScript, delivery }) => {
      await runScript(['-f', 'ceo@lab.test', '-t'], 'Subject: script\nTo: bounce-customer@remote.test\n\nhello\n');
      await delivery('bounce-customer@remote.test', 'bounced');
    },
    facts: [
      { kind: 'message', client: undefined, sender: 'ceo@lab.test' },
      { kind: 'delivery', outcome: 'bounced', recipient: 'bounce-customer@remote.test', remote: true },
    ],
  },
];
