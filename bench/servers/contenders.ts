/** Who is measured: the lab's servers with their own limits off, and what each of them asks. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { awaitPorts } from '../../test/servers/lab/await.ts';
import { runCommand, startDaemon } from '../../test/servers/lab/daemon.ts';
import { attachExim } from '../../test/servers/lab/exim-hook.ts';
import { startExim } from '../../test/servers/lab/exim.ts';
import { startPostfix } from '../../test/servers/lab/postfix.ts';
import { startSendmail } from '../../test/servers/lab/sendmail.ts';
import type { World } from '../../test/servers/lab/world.ts';
import { setUpPostfix } from '../../src/servers/postfix/setup.ts';
import { rspamdPort, startRspamd } from './rspamd.ts';

type Running = { readonly address: string; readonly log: string } & AsyncDisposable;
export type Contender = {
  readonly name: string;
  readonly recipient: string;
  /** So many that a round takes a second or more. */
  readonly messages: number;
  readonly start: (world: World, asks: boolean) => Promise<Running>;
  /** Who is asked. @param log the server's */
  readonly startAsked: (log: string) => Promise<AsyncDisposable>;
};

/** Nothing of the server's own stands in the way of a client, and what is accepted costs nothing more. */
const unlimited = {
  smtpd_client_connection_count_limit: '0',
  smtpd_client_connection_rate_limit: '0',
  smtpd_client_message_rate_limit: '0',
  smtpd_client_recipient_rate_limit: '0',
  smtpd_recipient_restrictions: '',
  smtpd_data_restrictions: '',
  virtual_transport: 'discard:',
};

/** What `postern setup postfix` writes, as parameters. */
const policyParameters = (): Record<string, string> => {
  const endpoints = { policy: '127.0.0.1:10040', milter: '', readsocket: '', authPolicy: '' };
  const change = setUpPostfix('', endpoints, 3);
  const lines = change.kind === 'changed' ? change.lines.join('\n').replaceAll(',\n    ', ', ').split('\n') : [];
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(' =')), line.slice(line.indexOf('= ') + 2)]),
  );
};

const milterAt = (port: number): Record<string, string> => ({
  smtpd_milters: `{ inet:127.0.0.1:${port}, connect_timeout=2s, command_timeout=5s, default_action=accept }`,
});

const postfixWith =
  (asking: () => Record<string, string>, also: Readonly<Record<string, string>> = {}) =>
  async (world: World, asks: boolean): Promise<Running> => {
    const postfix = await startPostfix({ mainCf: { ...unlimited, ...also, ...(asks ? asking() : {}) } });
    return { ...postfix, log: world.log.iso };
  };

const eximLimits = (config: string): string =>
  config
    .replace(/\n {2}defer ratelimit[^]*?(?=\n {2}accept)/, '')
    .replace('smtp_accept_max_per_host = 5', 'queue_only = true')
    .replace(/\n {2}deny set acl_m_quota[^]*?(?=\n {2}require verify)/, '');

const startPostern = async (log: string): Promise<AsyncDisposable> => {
  // Sendmail asks through a unix socket in the state directory.
  const state = '/run/postern-bench';
  mkdirSync(state, { recursive: true, mode: 0o755 });
  const config = join(state, 'postern.yaml');
  writeFileSync(config, `state: ${state}\nlogs: [${log}]\njudge:\n  learning: '0'\n`);
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  const daemon = startDaemon('postern', process.execPath, [main, 'run', '--config', config]);
  await daemon.until(awaitPorts('127.0.0.1', [10_040, 10_041, 10_042]));
  return {
    [Symbol.asyncDispose]: async () => {
      await daemon.stop();
      rmSync(state, { recursive: true });
    },
  };
};

/** The least that anybody who is asked can cost: a service in C that says DUNNO and knows nothing. */
const startBare = async (): Promise<AsyncDisposable> => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bare-'));
  const program = join(folder, 'epoll-service');
  const source = join(import.meta.dirname, '../policy/epoll-service.c');
  execFileSync(process.env['CC'] ?? 'gcc', ['-O2', '-o', program, source], { stdio: 'inherit' });
  const daemon = startDaemon('bare', program, ['10040']);
  await daemon.until(awaitPorts('127.0.0.1', [10_040]));
  return {
    [Symbol.asyncDispose]: async () => {
      await daemon.stop();
      rmSync(folder, { recursive: true });
    },
  };
};

const postfix = { recipient: 'alice@lab.test', messages: 5000 } as const;
const delivering = { virtual_transport: 'lmtp:inet:192.0.2.40:24' };

/** @param rspamd the folder with Rspamd's packages; '' for no row of it */
export const contendersOf = (rspamd: string): readonly Contender[] => [
  { ...postfix, name: 'Postfix, policy', start: postfixWith(policyParameters), startAsked: startPostern },
  { ...postfix, name: 'Postfix, milter', start: postfixWith(() => milterAt(10_041)), startAsked: startPostern },
  {
    ...postfix,
    name: 'Postfix to Dovecot, policy',
    messages: 1500,
    start: postfixWith(policyParameters, delivering),
    startAsked: startPostern,
  },
  {
    name: 'Exim, readsocket',
    recipient: 'alice@lab.test',
    messages: 400,
    start: async (_world, asks) => {
      const attach = attachExim('127.0.0.1:10042');
      const exim = await startExim({ edit: (config) => (asks ? attach(eximLimits(config)) : eximLimits(config)) });
      return { ...exim, log: exim.mainLog };
    },
    startAsked: startPostern,
  },
  {
    name: 'Sendmail, milter',
    recipient: 'laba@mx.lab.test',
    messages: 400,
    start: async (world, asks) => {
      const filter =
        "INPUT_MAIL_FILTER(`postern', `S=local:/run/postern-bench/milter.sock, T=C:2s;S:2s;R:5s;E:30s')dnl\n";
      const sendmail = await startSendmail(`define(\`confDELIVERY_MODE', \`queueonly')dnl\n${asks ? filter : ''}`);
      return { ...sendmail, log: world.log.iso };
    },
    startAsked: startPostern,
  },
  { ...postfix, name: 'Postfix, policy in bare C', start: postfixWith(policyParameters), startAsked: startBare },
  ...(rspamd === ''
    ? []
    : [
        {
          ...postfix,
          name: "Postfix, Rspamd's milter",
          messages: 500,
          start: postfixWith(() => milterAt(rspamdPort)),
          startAsked: () => startRspamd(rspamd),
        },
      ]),
];

/** As on a real server the queue is on a disk: the lab's is in memory, where a message costs nothing to keep. */
export const putQueuesOnDisk = async (): Promise<void> => {
  const scratch = mkdtempSync(join(tmpdir(), 'postern-queues-'));
  process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
  for (const name of ['postfix', 'exim4', 'mqueue']) {
    const [disk, place] = [join(scratch, name), join('/var/spool', name)];
    for (const folder of [disk, place]) mkdirSync(folder, { recursive: true });
    await runCommand('mount', ['--bind', disk, place]);
  }
};
