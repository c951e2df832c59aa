/** Dovecot: logins over IMAP and POP3. */
import { dialImap, dialPop3 } from '../lab/dialogue.ts';
import type { ImapDialogue, Pop3Dialogue } from '../lab/dialogue.ts';
import { hosts } from '../lab/network.ts';
import type { Fact } from './provocation.ts';

export type DovecotProvocation = {
  readonly what: string;
  readonly client: string;
  readonly provoke: (client: string) => Promise<void>;
  readonly facts: readonly Fact[];
};

const imapOf = (client: string): Promise<ImapDialogue> => dialImap({ from: client, to: hosts.dovecot, port: 143 });
const pop3Of = (client: string): Promise<Pop3Dialogue> => dialPop3({ from: client, to: hosts.dovecot, port: 110 });

export const dovecotProvocations: readonly DovecotProvocation[] = [
  {
    what: 'IMAP login',
    client: '203.0.113.80',
    provoke: async (client) => {
      const imap = await imapOf(client);
      await imap.say('LOGIN alice@lab.test alicepw');
      await imap.say('LOGOUT');
    },
    facts: [{ kind: 'auth', outcome: 'success', account: 'alice@lab.test', protocol: 'imap' }],
  },
  {
    what: 'IMAP, wrong password',
    client: '203.0.113.81',
    provoke: async (client) => {
      const imap = await imapOf(client);
      await imap.say('LOGIN alice@lab.test wrong');
      await imap.say('LOGOUT');
      await imap.closed();
    },
    facts: [{ kind: 'auth', outcome: 'failure', account: 'alice@lab.test', reason: 'bad-password' }],
  },
  {
    what: 'IMAP, account that does not exist',
    client: '203.0.113.82',
    provoke: async (client) => {
      const imap = await imapOf(client);
      await imap.say('LOGIN admin@lab.test admin');
      imap.hangUp();
    },
    facts: [{ kind: 'auth', outcome: 'failure', account: 'admin@lab.test', reason: 'unknown-account' }],
  },
  {
    what: 'IMAP, one password over many accounts',
    client: '203.0.113.83',
    provoke: async (client) => {
      for (const account of ['alice', 'bob', 'carol', 'ceo']) {
        const imap = await imapOf(client);
        await imap.say(`LOGIN ${account}@lab.test Winter2026`);
        await imap.say('LOGOUT');
        await imap.closed();
      }
    },
    facts: ['alice', 'bob', 'carol', 'ceo'].map((account) => ({
      kind: 'auth',
      outcome: 'failure',
      account: `${account}@lab.test`,
    })),
  },
  {
    what: 'POP3 login',
    client: '203.0.113.84',
    provoke: async (client) => {
      const pop3 = await pop3Of(client);
      await pop3.say('USER bob@lab.test');
      await pop3.say('PASS bobpw');
      await pop3.say('QUIT');
      await pop3.closed();
    },
    facts: [{ kind: 'auth', outcome: 'success', account: 'bob@lab.test', protocol: 'pop3' }],
  },
  {
    what: 'POP3, wrong password',
    client: '203.0.113.85',
    provoke: async (client) => {
      const pop3 = await pop3Of(client);
      await pop3.say('USER bob@lab.test');
      await pop3.say('PASS wrong');
      await pop3.say('QUIT');
      await pop3.closed();
    },
    facts: [{ kind: 'auth', outcome: 'failure', account: 'bob@lab.test', reason: 'bad-password' }],
  },
  {
    what: 'account locked by the postmaster',
    client: '203.0.113.86',
    provoke: async (client) => {
      const imap = await imapOf(client);
      await imap.say('LOGIN locked@lab.test lockedpw');
      await imap.say('LOGOUT');
      await imap.closed();
    },
    facts: [{ kind: 'disconnect', account: 'locked@lab.test' }],
  },
  {
    what: 'more connections than an account may have',
    client: '203.0.113.87',
    provoke: async (client) => {
      const dialogues: ImapDialogue[] = [];
      for (let connection = 0; connection < 4; connection++) {
        const imap = await imapOf(client);
        await imap.say('LOGIN carol@lab.test carolpw');
        dialogues.push(imap);
      }
      for (const imap of dialogues) imap.hangUp();
    },
    facts: [{ kind: 'limit', reason: 'concurrency', account: 'carol@lab.test' }],
  },
  {
    what: 'HTTP on the IMAP port',
    client: '203.0.113.88',
    provoke: async (client) => {
      const imap = await imapOf(client);
      imap.write('GET / HTTP/1.1\r\nHost: mx.lab.test\r\n\r\n');
      imap.hangUp();
    },
    facts: [{ kind: 'command-error' }],
  },
  {
    what: 'commands that do not exist',
    client: '203.0.113.89',
    provoke: async (client) => {
      const imap = await imapOf(client);
      for (let command = 0; command < 12; command++) {
        if ((await imap.say('NONSENSE')).status === 'BYE') break;
      }
      imap.hangUp();
    },
    facts: [{ kind: 'command-error' }],
  },
  {
    what: 'connects and says nothing',
    client: '203.0.113.90',
    provoke: async (client) => {
      const imap = await imapOf(client);
      imap.hangUp();
    },
    facts: [{ kind: 'disconnect' }],
  },
  {
    what: 'account name that looks like a log line',
    client: '203.0.113.91',
    provoke: async (client) => {
      const imap = await imapOf(client);
      await imap.say('LOGIN "x>, rip=192.0.2.66, lip=192.0.2.66, session=<A" guess');
      await imap.say('LOGOUT');
      await imap.closed();
    },
    facts: [{ kind: 'auth', outcome: 'failure' }],
  },
  {
    what: 'account name that looks like an auth line',
    client: '203.0.113.92',
    provoke: async (client) => {
      const imap = await imapOf(client);
      await imap.say('LOGIN "x,192.0.2.66,<s>): Password mismatch" guess');
      await imap.say('LOGOUT');
      await imap.closed();
    },
    facts: [{ kind: 'auth', outcome: 'failure' }],
  },
  {
    what: 'AUTHENTICATE: no mechanism of ours, no base64, given up',
    client: '203.0.113.93',
    provoke: async (client) => {
      for (const [mechanism, answer] of [
        ['NTLM', ''],
        ['PLAIN', '!!!'],
        ['PLAIN', '*'],
      ] as const) {
        const imap = await imapOf(client);
        imap.write(`x AUTHENTICATE ${mechanism}\r\n`);
        if (answer !== '') imap.write(`${answer}\r\n`);
        await imap.say('LOGOUT');
        await imap.closed();
      }
    },
    facts: [
      { kind: 'auth', outcome: 'failure', reason: 'malformed' },
      { kind: 'auth', outcome: 'failure', reason: 'aborted' },
    ],
  },
];

/** A second database of passwords and of users behind the first; static knows everybody. Who it takes in is unknown to the first. */
export const secondPasswords = `
passdb {
  driver = static
  args = password=secondpw
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/var/spool/vmail/%d/%n allow_all_users=yes
}`;

const logIn =
  (account: string, ...passwords: readonly string[]): DovecotProvocation['provoke'] =>
  async (client) => {
    const imap = await imapOf(client);
    for (const password of passwords) await imap.say(`LOGIN ${account} ${password}`);
    await imap.say('LOGOUT');
    await imap.closed();
  };

/** The first of them shows the order of the databases, and only it may be told of both. */
export const chainProvocations: readonly DovecotProvocation[] = [
  {
    what: 'unknown to the first, wrong for the second',
    client: '203.0.113.100',
    provoke: logIn('nobody@lab.test', 'wrong'),
    facts: [{ kind: 'auth', outcome: 'failure', reason: 'bad-password' }],
  },
  {
    what: 'unknown to the first, taken in by the second',
    client: '203.0.113.101',
    provoke: logIn('second@lab.test', 'secondpw'),
    facts: [{ kind: 'auth', outcome: 'success', account: 'second@lab.test' }],
  },
  {
    what: 'two wrong passwords, then the right one',
    client: '203.0.113.102',
    provoke: logIn('alice@lab.test', 'wrong', 'wronger', 'alicepw'),
    facts: [
      { kind: 'auth', outcome: 'failure', reason: 'bad-password', account: 'alice@lab.test' },
      { kind: 'auth', outcome: 'success', account: 'alice@lab.test' },
    ],
  },
];
