/** The three servers as a story meets them: with Postern's hook asked, their queue, and what their log says of a message. */
import { symlinkSync } from 'node:fs';
import type { Spool } from '../../src/sense/queue/spool.ts';
import { awaitLine } from '../servers/lab/await.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { attachExim } from '../servers/lab/exim-hook.ts';
import { startExim } from '../servers/lab/exim.ts';
import { noQueueRuns, startPostfix } from '../servers/lab/postfix.ts';
import { askMilter, startSendmail } from '../servers/lab/sendmail.ts';
import type { World } from '../servers/lab/world.ts';
import { noLimits, policy } from './postmaster.ts';

export type Server = AsyncDisposable & {
  readonly address: string;
  /** The log that tells of it. */
  readonly log: string;
  readonly spool: Spool;
  /** The `sendmail` command that a script calls. */
  readonly command: string;
  /** What became of the mail to a recipient, once the log tells. */
  readonly fateOf: (recipient: string) => Promise<string>;
  /** A line of its log that tells what became of recipients. */
  readonly isFate: (line: string) => boolean;
  readonly flush: () => Promise<unknown>;
};
const onPostfix = async (world: World): Promise<Server> => {
  const smtpd_recipient_restrictions = `check_policy_service ${policy}, permit_sasl_authenticated, reject_unauth_destination`;
  const postfix = await startPostfix({ mainCf: { ...noLimits, ...noQueueRuns, smtpd_recipient_restrictions } });
  const isFate = (recipient: string) => (line: string) =>
    line.includes(`to=<${recipient}>`) && (line.includes(' status=') || line.includes(': hold: '));
  return {
    address: postfix.address,
    log: world.log.iso,
    spool: { kind: 'postfix', path: '/var/spool/postfix' },
    command: '/usr/sbin/sendmail',
    fateOf: async (recipient) => {
      const line = await awaitLine(world.log.iso, `the fate of ${recipient}`, isFate(recipient));
      return line.includes(': hold: ') ? 'held' : (/ status=(\w+)/.exec(line)?.[1] ?? '');
    },
    isFate: (line) => line.includes(' status=sent ') || line.includes(' status=bounced '),
    flush: () => runCommand('postqueue', ['-f']),
    [Symbol.asyncDispose]: () => postfix.stop(),
  };
};

const fates = [
  [' => ', 'sent'],
  [' ** ', 'bounced'],
  [' == ', 'deferred'],
  [' frozen by ACL', 'held'],
] as const;

const onExim = async (): Promise<Server> => {
  const attach = attachExim('127.0.0.1:10042');
  const exim = await startExim({
    logSelector: '+received_recipients +arguments',
    // Many messages a connection, each delivered at once; and of a client that has just gone a slow machine has sessions left.
    edit: (config) =>
      attach(
        config
          .replace('\nacl_smtp_connect', '\nsmtp_accept_queue_per_connection = 0\nacl_smtp_connect')
          .replace('smtp_accept_max_per_host = 5\n', ''),
      ),
  });
  // Where Postern looks for it, in this machine only: the lab has unpacked it elsewhere.
  await runCommand('mount', ['-t', 'tmpfs', 'postern-programs', '/usr/local/sbin']);
  symlinkSync(exim.program, '/usr/local/sbin/exim');
  return {
    address: exim.address,
    log: exim.mainLog,
    spool: { kind: 'exim', path: '/var/spool/exim4' },
    command: exim.program,
    fateOf: async (recipient) => {
      const arrival = await awaitLine(
        exim.mainLog,
        `mail to ${recipient}`,
        (line) => line.includes(' <= ') && line.endsWith(` for ${recipient}`),
      );
      const id = arrival.split(' ')[2] ?? '';
      const isFate = (line: string): boolean => line.includes(id) && fates.some(([mark]) => line.includes(mark));
      const line = await awaitLine(exim.mainLog, `the fate of ${recipient}`, isFate);
      return fates.find(([mark]) => line.includes(mark))?.[1] ?? '';
    },
    isFate: (line) => [' => ', ' -> ', ' ** '].some((mark) => line.includes(mark)),
    flush: () => runCommand(exim.program, ['-qf']),
    [Symbol.asyncDispose]: async () => {
      await exim.stop();
      await runCommand('umount', ['/usr/local/sbin']);
    },
  };
};

/** Over TCP its Sendmail would wait 40 ms for each recipient: it writes twice, and the kernel holds the second (RFC 896). */
const milterSocket = '/run/sendmail/postern.sock';

const onSendmail = async (world: World): Promise<Server> => {
  const sendmail = await startSendmail(askMilter(`local:${milterSocket}`));
  // In this machine only: the stock place of the command belongs to Postfix here.
  await runCommand('mount', ['--bind', sendmail.program, '/usr/sbin/sendmail']);
  const isFate = (recipient: string) => (line: string) => line.includes(`to=<${recipient}>`) && line.includes('stat=');
  return {
    address: sendmail.address,
    log: world.log.iso,
    spool: { kind: 'sendmail', path: '/var/spool/mqueue' },
    command: sendmail.program,
    fateOf: async (recipient) => {
      const line = await awaitLine(world.log.iso, `the fate of ${recipient}`, isFate(recipient));
      if (line.includes('quarantine')) return 'held';
      return line.includes('stat=Sent') ? 'sent' : line.includes('stat=Deferred') ? 'deferred' : 'bounced';
    },
    // What its client for local users has handed to the server has not gone out by that.
    isFate: (line) =>
      line.includes(': to=') && / stat=(?!queued)/.test(line) && !line.includes('Message accepted for delivery'),
    flush: () => runCommand(sendmail.program, ['-Am', '-q']),
    [Symbol.asyncDispose]: async () => {
      await sendmail.stop();
      await runCommand('umount', ['/usr/sbin/sendmail']);
    },
  };
};

export type MailServer = {
  readonly name: string;
  readonly start: (world: World) => Promise<Server>;
  /** Through which it asks, and where. */
  readonly hook: string;
  readonly listen: string;
};

export const mailServers: readonly MailServer[] = [
  { name: 'Postfix', start: onPostfix, hook: 'policy', listen: '127.0.0.1:10040' },
  { name: 'Exim', start: onExim, hook: 'readsocket', listen: '127.0.0.1:10042' },
  { name: 'Sendmail', start: onSendmail, hook: 'milter', listen: `unix:${milterSocket}` },
];
