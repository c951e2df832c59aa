/** Servers that are told to ask the guard; each one's own program says what its configuration holds then. */
import { readFileSync, utimesSync } from 'node:fs';
import { setup } from '../../../src/act/setup.ts';
import type { SetupWanted } from '../../../src/act/setup.ts';
import type { Change } from '../../../src/servers/change.ts';
import { setUpDovecot } from '../../../src/servers/dovecot/setup.ts';
import { eximInclude, setUpExim } from '../../../src/servers/exim/setup.ts';
import { setUpPostfix } from '../../../src/servers/postfix/setup.ts';
import { setUpSendmail } from '../../../src/servers/sendmail/setup.ts';
import { runCommand } from '../../servers/lab/daemon.ts';
import { labDir } from '../../servers/lab/door.ts';
import { startWorld } from '../../servers/lab/world.ts';
import { keptFile, row } from './row.ts';
import type { Stage } from './row.ts';
import { startPatientExim, startPatientPostfix, startPatientSendmail } from './servers.ts';

const endpoints = {
  policy: '127.0.0.1:10040',
  milter: '127.0.0.1:10041',
  readsocket: '127.0.0.1:10042',
  authPolicy: '127.0.0.1:10043',
};
const include = '/etc/exim4/postern.acl';

type Server = Pick<SetupWanted, 'check' | 'reload'> & {
  readonly of: string;
  readonly path: string;
  readonly start: (() => Promise<AsyncDisposable>) | undefined;
  readonly change: (text: string) => Change;
  readonly more?: SetupWanted['files'];
  readonly counts: () => Promise<boolean>;
};

const setUpOneEximFile = (text: string): Change => {
  const change = setUpExim({ files: [{ path: '/etc/exim4/exim4.conf', text }], include });
  return change.kind === 'changed' ? { ...change, text: change.files[0]?.text ?? text } : change;
};

const says = async (command: string, args: readonly string[], words: string): Promise<boolean> =>
  (await runCommand(command, args)).includes(words);

const servers: readonly Server[] = [
  {
    of: 'postfix',
    path: '/etc/postfix/main.cf',
    start: () => startPatientPostfix({}),
    change: (text) => setUpPostfix(text, endpoints, 3),
    check: [{ program: 'postfix', args: ['check'] }],
    reload: [{ program: 'postfix', args: ['reload'] }],
    counts: () => says('postconf', ['-h', 'smtpd_sender_restrictions'], endpoints.policy),
  },
  {
    of: 'dovecot',
    path: '/etc/dovecot/dovecot.conf',
    start: undefined,
    change: (text) => setUpDovecot(text, endpoints, '2.3.19', 'nonce'),
    check: [{ program: 'doveconf', args: ['-n'] }],
    reload: [{ program: 'doveadm', args: ['reload'] }],
    counts: () => says('doveconf', ['-n'], endpoints.authPolicy),
  },
  {
    of: 'exim',
    path: '/etc/exim4/exim4.conf',
    start: () => startPatientExim(),
    change: setUpOneEximFile,
    more: [{ path: include, change: () => eximInclude(endpoints) }],
    check: [{ program: 'exim', args: ['-bV'] }],
    reload: [{ hangUp: 'exim' }],
    counts: () => says(`${labDir()}/exim4/usr/sbin/exim4`, ['-bP', 'acl_smtp_mail'], 'postern_mail'),
  },
  {
    of: 'sendmail',
    path: '/etc/mail/sendmail.cf',
    start: startPatientSendmail,
    change: (text) => setUpSendmail(text, endpoints),
    check: [{ program: 'sendmail-mta', args: ['-C/etc/mail/sendmail.cf', '-bt'] }],
    reload: [{ hangUp: 'sendmail' }],
    counts: () => Promise.resolve(readFileSync('/etc/mail/sendmail.cf', 'latin1').includes('Xpostern,')),
  },
];

const start =
  ({ path, more = [], start: startServer, counts }: Server) =>
  async (): Promise<Stage> => {
    await using stack = new AsyncDisposableStack();
    stack.use(await startWorld());
    if (startServer !== undefined) stack.use(await startServer());
    utimesSync(path, 1_700_000_000.25, 1_700_000_000.5);
    const whole = stack.move();
    return {
      kept: () => Promise.resolve([path, ...more.map((file) => file.path)].map(keptFile)),
      counts,
      [Symbol.asyncDispose]: () => whole.disposeAsync(),
    };
  };

export const setupRows = servers.map((server) => {
  const { of, path, change, more = [], check, reload } = server;
  const changed = (text: string): string => {
    const wanted = change(text);
    return wanted.kind === 'changed' ? wanted.text : text;
  };
  return row(of, {
    name: `${of} asks`,
    act: setup,
    wanted: () => ({ server: of, files: [...more, { path, change: changed }], lines: ['asks'], check, reload }),
    start: start(server),
  });
});
