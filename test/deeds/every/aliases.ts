/** Forwards and catch-alls in the maps of running servers, each seen by a client that asks for a recipient. */
import { chmodSync, utimesSync, writeFileSync } from 'node:fs';
import { catchAllLock } from '../../../src/act/catchall-lock.ts';
import type { CatchAllWanted } from '../../../src/act/catchall-lock.ts';
import { forwardOff } from '../../../src/act/forward-off.ts';
import type { ForwardWanted } from '../../../src/act/forward-off.ts';
import { runCommand } from '../../servers/lab/daemon.ts';
import { dialSmtp } from '../../servers/lab/dialogue.ts';
import { startWorld } from '../../servers/lab/world.ts';
import { keptFile, row } from './row.ts';
import type { Stage } from './row.ts';
import { age, startPatientExim, startPatientPostfix, startPatientSendmail } from './servers.ts';
import type { Server } from './servers.ts';

const startPostfixHere = async (): Promise<Server> => {
  const postfix = await startPatientPostfix({ virtual_alias_maps: 'hash:/etc/postfix/virtual' });
  await runCommand('postmap', ['hash:/etc/postfix/virtual']);
  return postfix;
};

/** The answer to RCPT. */
const rcpt = async (to: string, recipient: string): Promise<number> => {
  const smtp = await dialSmtp({ from: '203.0.113.7', to, port: 25 });
  await smtp.say('EHLO client.test', 250);
  await smtp.say('MAIL FROM:<s@remote.test>', 250);
  const { code } = await smtp.say(`RCPT TO:<${recipient}>`);
  smtp.hangUp();
  return code;
};

/** Whether a map of Postfix has nothing to say of a key. */
const isSilent = (key: string, path: string): Promise<boolean> =>
  runCommand('postmap', ['-q', key, `hash:${path}`]).then(
    () => false,
    () => true,
  );

type Asked = {
  readonly server: () => Promise<Server>;
  readonly path: string;
  readonly recipient: string;
  readonly attemptsMax?: number;
  /** In a map of Postfix: after a blow the map is asked, so that nobody waits for the next second. */
  readonly key?: string | undefined;
};

const start =
  ({ server, path, recipient, attemptsMax = 1, key }: Asked) =>
  async (): Promise<Stage> => {
    await using stack = new AsyncDisposableStack();
    stack.use(await startWorld());
    const { address } = stack.use(await server());
    chmodSync(path, 0o644);
    utimesSync(path, 1_700_000_000.25, 1_700_000_000.5);
    if ((await rcpt(address, recipient)) !== 250) throw new Error(`${recipient} is refused before anything was done`);
    const whole = stack.move();
    return {
      kept: () => Promise.resolve(keptFile(path)),
      counts: async () => (await rcpt(address, recipient)) === 550,
      attemptsMax,
      ...(key === undefined ? {} : { afterBlow: { counts: () => isSilent(key, path), rest: () => age(path) } }),
      [Symbol.asyncDispose]: () => whole.disposeAsync(),
    };
  };

const forwards: readonly {
  of: string;
  name: string;
  server: () => Promise<Server>;
  wanted: Omit<ForwardWanted, 'key' | 'localDomains'>;
  key?: string;
  recipient?: string;
  attemptsMax?: number;
}[] = [
  {
    of: 'postmap',
    name: 'Postfix alias',
    server: startPostfixHere,
    wanted: { path: '/etc/postfix/virtual', format: 'blank', refresh: { kind: 'postmap', type: 'hash' } },
  },
  {
    of: 'reload',
    name: 'Postfix alias in a text map',
    server: () => startPatientPostfix({}),
    wanted: { path: '/etc/postfix/virtual', format: 'blank', refresh: { kind: 'reload' } },
    attemptsMax: 200,
  },
  {
    of: 'newaliases',
    name: 'Postfix local alias',
    server: async () => {
      writeFileSync('/etc/aliases', '# our own\nfwd: someone@remote.test\n');
      const postfix = await startPatientPostfix({
        alias_maps: 'hash:/etc/aliases',
        alias_database: 'hash:/etc/aliases',
        local_recipient_maps: '$alias_maps',
      });
      await runCommand('newaliases', []);
      return postfix;
    },
    wanted: { path: '/etc/aliases', format: 'colon', refresh: { kind: 'newaliases' } },
    key: 'fwd',
    recipient: 'fwd@mx.lab.test',
  },
  {
    of: 'none',
    name: 'Exim alias',
    server: startPatientExim,
    wanted: { path: '/etc/exim4/valiases/lab.test', format: 'colon', refresh: { kind: 'none' } },
  },
  {
    of: 'makemap',
    name: 'Sendmail alias',
    server: startPatientSendmail,
    wanted: { path: '/etc/mail/virtusertable', format: 'blank', refresh: { kind: 'makemap', type: 'hash' } },
  },
];

const catchAlls: readonly { name: string; server: () => Promise<Server>; wanted: Omit<CatchAllWanted, 'domains'> }[] = [
  {
    name: 'Postfix',
    server: startPostfixHere,
    wanted: { path: '/etc/postfix/virtual', format: 'postfix-map', fileDomain: '', map: 'postfix-hash' },
  },
  {
    name: 'Exim',
    server: startPatientExim,
    wanted: {
      path: '/etc/exim4/valiases/catchall.test',
      format: 'exim-aliases',
      fileDomain: 'catchall.test',
      map: undefined,
    },
  },
  {
    name: 'Sendmail',
    server: startPatientSendmail,
    wanted: {
      path: '/etc/mail/virtusertable',
      format: 'sendmail-virtusertable',
      fileDomain: '',
      map: 'sendmail-hash',
    },
  },
];

export const aliasRows = [
  ...forwards.map(({ of, name, server, wanted, key = 'fwd@lab.test', recipient = key, attemptsMax = 1 }) =>
    row(of, {
      name,
      act: forwardOff,
      wanted: () => ({ ...wanted, key, localDomains: ['lab.test'] }),
      start: start({
        server,
        path: wanted.path,
        recipient,
        attemptsMax,
        key: of === 'postmap' || of === 'newaliases' ? key : undefined,
      }),
    }),
  ),
  ...catchAlls.map(({ name, server, wanted }) =>
    row(wanted.format, {
      name: `${name} catch-all`,
      act: catchAllLock,
      wanted: () => ({ ...wanted, domains: ['catchall.test'] }),
      start: start({
        server,
        path: wanted.path,
        recipient: 'guess@catchall.test',
        key: wanted.map === 'postfix-hash' ? '@catchall.test' : undefined,
      }),
    }),
  ),
];
