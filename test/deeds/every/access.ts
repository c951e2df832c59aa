/** Entries in the access maps of running servers, each seen by a client that connects. */
import { chownSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { accessEntry } from '../../../src/act/access-entry.ts';
import { cdbOf } from '../../../src/servers/exim/cdb.ts';
import { runCommand } from '../../servers/lab/daemon.ts';
import { dialSmtp } from '../../servers/lab/dialogue.ts';
import { layConfig, userOf } from '../../servers/lab/machine.ts';
import { hosts } from '../../servers/lab/network.ts';
import { startWorld } from '../../servers/lab/world.ts';
import { keptFile, row } from './row.ts';
import type { Stage } from './row.ts';
import {
  accessMap,
  age,
  makemap,
  startPatientExim,
  startPatientPostfix,
  startPatientSendmail,
  together,
  writeByHand,
} from './servers.ts';

const client = '203.0.113.7';

/** @returns the codes of a client's dialogue up to a recipient */
const heard = async (to: string): Promise<string> => {
  const smtp = await dialSmtp({ from: client, to, port: 25 });
  const codes = [smtp.greeting.code];
  for (const command of ['EHLO client.test', 'MAIL FROM:<s@remote.test>', 'RCPT TO:<alice@lab.test>'])
    if ((codes.at(-1) ?? 0) < 400 && codes.at(-1) !== 0) codes.push((await smtp.say(command)).code);
  smtp.hangUp();
  return codes.join(' ');
};

const postfixMaps = ['hash', 'btree', 'lmdb', 'cdb', 'texthash', 'cidr'] as const;
const postfixPath = '/etc/postfix/client_access';

const startPostfixWith = (type: (typeof postfixMaps)[number]) => async (): Promise<Stage> => {
  const world = await startWorld();
  layConfig('postfix');
  for (const ending of ['.db', '.lmdb', '.cdb']) rmSync(`${postfixPath}${ending}`, { force: true });
  writeByHand(postfixPath, '# our own\n198.51.100.9\tREJECT go\n  away\n\n10.0.0.1 OK \xe4\n# last');
  const isBuilt = type !== 'texthash' && type !== 'cidr';
  if (isBuilt) await runCommand('postmap', ['-c', '/etc/postfix', `${type}:${postfixPath}`]);
  const postfix = await startPatientPostfix({
    smtpd_client_restrictions: `check_client_access ${type}:${postfixPath}`,
  });
  const ask = (key: string): Promise<string> =>
    runCommand('postmap', ['-q', key, `${type}:${postfixPath}`]).catch(() => 'nothing');
  return {
    kept: async () => [keptFile(postfixPath), await ask('198.51.100.9'), await ask(client)],
    counts: async () => (await heard(postfix.address)) === '220 250 250 554',
    ...(isBuilt ? {} : { attemptsMax: 200 }),
    // Built alike: what a running Postfix makes of it after each blow is seen once, with hash.
    ...(isBuilt && type !== 'hash'
      ? {
          afterBlow: {
            counts: async () => (await ask(client)) === 'REJECT\n',
            rest: () => age(postfixPath),
          },
        }
      : {}),
    ...together(world, postfix),
  };
};

const asPostfix = (type: string) => () => ({
  format: `postfix-${type}`,
  path: postfixPath,
  subject: client,
  tag: 'Connect',
  value: undefined,
});

/** No source and nothing built: both are made, and both are gone afterwards. */
const startWithoutMap = (): Promise<Stage> => {
  layConfig('postfix');
  const files = ['', '.db', '.lmdb', '.cdb'].map((ending) => `${postfixPath}${ending}`);
  for (const file of files) rmSync(file, { force: true });
  return Promise.resolve({
    kept: () => Promise.resolve(files.map(keptFile)),
    // postmap sleeps before it says that there is no such map.
    counts: async () =>
      existsSync(`${postfixPath}.db`) &&
      (await runCommand('postmap', ['-q', client, `hash:${postfixPath}`]).catch(() => '')) === 'REJECT\n',
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
};

export const postfixRows = [
  ...postfixMaps.map((type) =>
    row(`postfix-${type}`, {
      name: `Postfix ${type}`,
      act: accessEntry,
      wanted: asPostfix(type),
      start: startPostfixWith(type),
    }),
  ),
  row('postfix-hash', {
    name: 'Postfix map that was not there',
    act: accessEntry,
    wanted: asPostfix('hash'),
    start: startWithoutMap,
  }),
];

/** Two clients of one address at once; the second is asked what it hears. */
const secondGreeting = async (): Promise<number> => {
  const first = await dialSmtp({ from: client, to: hosts.sendmail, port: 25 });
  const second = await dialSmtp({ from: client, to: hosts.sendmail, port: 25 });
  for (const smtp of [first, second]) smtp.hangUp();
  return second.greeting.code;
};

const sendmailTags = [
  { tag: 'Connect', value: undefined, counts: async () => /55\d$/.test(await heard(hosts.sendmail)) },
  { tag: 'ClientRate', value: '1', counts: async () => (await secondGreeting()) === 421 },
  { tag: 'ClientConn', value: '1', counts: async () => (await secondGreeting()) === 421 },
  {
    tag: 'GreetPause',
    value: '5000',
    counts: async () => {
      const smtp = await dialSmtp({ from: client, to: hosts.sendmail, port: 25 }, 'EHLO client.test\r\n');
      smtp.hangUp();
      return smtp.greeting.code === 554;
    },
  },
] as const;

const startSendmailFor = (counts: () => Promise<boolean>) => async (): Promise<Stage> => {
  const world = await startWorld();
  const sendmail = await startPatientSendmail();
  const listed = async (): Promise<string[]> =>
    (await runCommand(makemap(), ['-u', 'hash', accessMap])).split('\n').toSorted();
  return {
    kept: async () => [keptFile(accessMap), await listed()],
    counts,
    ...together(world, sendmail),
  };
};

export const sendmailRows = sendmailTags.map(({ tag, value, counts }) =>
  row('sendmail-hash', {
    name: `Sendmail ${tag}`,
    act: accessEntry,
    wanted: () => ({ format: 'sendmail-hash', path: accessMap, subject: client, tag, value }),
    start: startSendmailFor(counts),
  }),
);

const eximPath = '/etc/exim4/refused-hosts';

const startEximWith = (host: string) => async (): Promise<Stage> => {
  const world = await startWorld();
  layConfig('exim4');
  writeByHand(eximPath, '# our own\n198.51.100.9: by hand\n');
  chownSync(eximPath, 0, userOf('Debian-exim').gid);
  writeFileSync(`${eximPath}.cdb`, cdbOf([['198.51.100.9', 'by hand']]));
  const exim = await startPatientExim(`  deny hosts = ${host}\n`);
  return {
    kept: () => Promise.resolve([keptFile(eximPath), keptFile(`${eximPath}.cdb`)?.bytes]),
    counts: async () => (await heard(exim.address)) === '550',
    ...together(world, exim),
  };
};

export const eximRows = [
  { format: 'exim-iplsearch', host: `net-iplsearch;${eximPath}` },
  { format: 'exim-lsearch', host: `net-lsearch;${eximPath}` },
  { format: 'exim-cdb', host: `net-cdb;${eximPath}.cdb` },
].map(({ format, host }) =>
  row(format, {
    name: `Exim ${format.slice('exim-'.length)}`,
    act: accessEntry,
    wanted: () => ({ format, path: eximPath, subject: client, tag: 'Connect', value: undefined }),
    start: startEximWith(host),
  }),
);
