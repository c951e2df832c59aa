/** The three servers with a queue that nobody runs by itself, and a desk that acts on it. */
import { join } from 'node:path';
import { openDesk } from '../../../src/guard/desk.ts';
import { createAllowance } from '../../../src/helper/allowance.ts';
import { createCarryOut } from '../../../src/helper/carry-out.ts';
import type { CarryOut, Program } from '../../../src/model/verb.ts';
import type { Spool } from '../../../src/sense/queue/spool.ts';
import { runCommand } from '../lab/daemon.ts';
import { startExim } from '../lab/exim.ts';
import { noQueueRuns, startPostfix } from '../lab/postfix.ts';
import { startSendmail } from '../lab/sendmail.ts';

/** Where the lab's programs lie, for a child process too. */
export type Place = { readonly spool: Spool; readonly programs: readonly (readonly [Program, string])[] };

type Running = AsyncDisposable & {
  readonly address: string;
  readonly place: Place;
  /** Tries to deliver everything now. */
  readonly flush: () => Promise<void>;
};

const postfixSpool: Spool = { kind: 'postfix', path: '/var/spool/postfix' };
const eximSpool: Spool = { kind: 'exim', path: '/var/spool/exim4' };
const sendmailSpool: Spool = { kind: 'sendmail', path: '/var/spool/mqueue' };

export const servers: readonly {
  readonly name: string;
  readonly spool: Spool;
  readonly start: () => Promise<Running>;
}[] = [
  {
    name: 'Postfix',
    spool: postfixSpool,
    start: async () => {
      const postfix = await startPostfix({
        mainCf: {
          ...noQueueRuns,
          smtpd_client_message_rate_limit: '0',
          smtpd_client_recipient_rate_limit: '0',
          smtpd_client_connection_rate_limit: '0',
        },
      });
      return {
        address: postfix.address,
        place: { spool: postfixSpool, programs: [] },
        flush: async () => void (await runCommand('postqueue', ['-f'])),
        [Symbol.asyncDispose]: () => postfix.stop(),
      };
    },
  },
  {
    name: 'Exim',
    spool: eximSpool,
    start: async () => {
      const exim = await startExim({
        edit: (config) =>
          config.replace(
            'smtp_accept_max = 50',
            'smtp_accept_max = 50\nsmtp_accept_max_per_connection = 5000\nqueue_only',
          ),
      });
      return {
        address: exim.address,
        place: { spool: eximSpool, programs: [['exim', exim.program]] },
        flush: async () => void (await runCommand(exim.program, ['-qf'])),
        [Symbol.asyncDispose]: () => exim.stop(),
      };
    },
  },
  {
    name: 'Sendmail',
    spool: sendmailSpool,
    start: async () => {
      const sendmail = await startSendmail("define(`confDELIVERY_MODE', `queueonly')dnl\n");
      return {
        address: sendmail.address,
        place: { spool: sendmailSpool, programs: [['sendmail', sendmail.program]] },
        flush: async () => void (await runCommand(sendmail.program, ['-Am', '-q'])),
        [Symbol.asyncDispose]: () => sendmail.stop(),
      };
    },
  },
];

const carryOutAt = (state: string, { programs }: Place): CarryOut =>
  createCarryOut(
    createAllowance({
      roots: [{ path: join(state, 'evidence') }],
      places: new Map(programs.map(([program, path]) => [program, [path]])),
    }),
  );

export const deskAt = (state: string, place: Place, carryOut = carryOutAt(state, place)): ReturnType<typeof openDesk> =>
  openDesk(state, { carryOut });
