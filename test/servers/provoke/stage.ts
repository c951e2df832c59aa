/** Puts one mail server on the lab's stage and plays provocations with it, one after the other. */
import assert from 'node:assert/strict';
import { awaitLine, linesOf } from '../lab/await.ts';
import { runCommandAs } from '../lab/daemon.ts';
import type { Stoppable } from '../lab/daemon.ts';
import { dialSmtp } from '../lab/dialogue.ts';
import { startExim } from '../lab/exim.ts';
import type { EximOptions } from '../lab/exim.ts';
import { startPostfix } from '../lab/postfix.ts';
import type { PostfixOptions } from '../lab/postfix.ts';
import { startSendmail } from '../lab/sendmail.ts';
import { startWorld } from '../lab/world.ts';
import type { World } from '../lab/world.ts';
import type { DovecotProvocation } from './dovecot.ts';
import { webUser } from './provocation.ts';
import type { DeliveryOutcome, MailServerName, Provocation, Scene } from './provocation.ts';

type Actor = {
  readonly address: string;
  readonly address6: string;
  /** The log that the server itself writes to. */
  readonly logPath: string;
  /** Its sendmail command. */
  readonly program: string;
} & Stoppable;

/** How the servers are set up, where it is not as usual. */
export type Setup = { readonly postfix?: PostfixOptions; readonly exim?: EximOptions };

const actors: Record<MailServerName, (world: World, setup: Setup) => Promise<Actor>> = {
  postfix: async ({ log }, setup) => ({
    ...(await startPostfix(setup.postfix)),
    logPath: log.traditional,
    program: '/usr/sbin/sendmail',
  }),
  exim: async (_, setup) => {
    const exim = await startExim(setup.exim);
    return { ...exim, logPath: exim.mainLog };
  },
  sendmail: async ({ log }) => ({ ...(await startSendmail()), logPath: log.traditional }),
};

/** How each server's line for a delivery is known. */
const deliveryMarks: Record<
  MailServerName,
  (recipient: string, outcome: DeliveryOutcome) => (line: string) => boolean
> = {
  postfix: (recipient, outcome) => (line) => line.includes(`to=<${recipient}>`) && line.includes(`status=${outcome}`),
  exim: (recipient, outcome) => {
    const flags = { sent: ['=>', '->'], deferred: ['=='], bounced: ['**'] }[outcome];
    return (line) => flags.some((flag) => line.includes(` ${flag} `) && line.includes(recipient));
  },
  sendmail: (recipient, outcome) => {
    const mark = { sent: 'stat=Sent', deferred: 'stat=Deferred', bounced: 'dsn=5' }[outcome];
    // The submission program handing over to the daemon is not the delivery.
    return (line) => line.includes(recipient) && line.includes(mark) && !line.includes('Message accepted for delivery');
  },
};

const sceneOf = (server: MailServerName, actor: Actor, world: World): Scene => {
  const dial: Scene['dial'] = (client, port, early = '') =>
    dialSmtp({ from: client, to: client.includes(':') ? actor.address6 : actor.address, port }, early);
  return {
    server,
    sink: world.sink,
    dial,
    greet: async (client, port = 25) => {
      const smtp = await dial(client, port);
      await smtp.say('EHLO client.test', 250);
      return smtp;
    },
    runScript: async (args, message) => {
      // A script does not look whether its mail will arrive, and Sendmail says so by its exit status.
      await runCommandAs(webUser.id, actor.program, args, message).catch(() => undefined);
    },
    delivery: async (recipient, outcome) => {
      await awaitLine(actor.logPath, `${recipient} ${outcome}`, deliveryMarks[server](recipient, outcome));
    },
    logged: async (text) => {
      await awaitLine(actor.logPath, text, (line) => line.includes(text));
    },
  };
};

/** A log file's lines (latin1), from the server's start to its stop. */
export type Log = {
  /** `traditional`, `iso` or `mainlog`. */
  readonly name: string;
  readonly lines: readonly string[];
};

const logOf = (name: string, path: string): Log => {
  const lines = linesOf(path);
  assert.ok(lines.length > 5, `almost nothing was written to ${path}`);
  return { name, lines };
};

/** Says which provocation failed. */
const during = async <T>(who: string, { what }: { readonly what: string }, deed: Promise<T>): Promise<T> => {
  try {
    return await deed;
  } catch (error) {
    throw new Error(`${who}: ${what}`, { cause: error });
  }
};

/** Plays all provocations with a mail server and returns the logs they left, the same story in each. */
export const playMailServer = async (
  server: MailServerName,
  provocations: readonly Provocation[],
  setup: Setup = {},
): Promise<Log[]> => {
  await using world = await startWorld();
  const actor = await actors[server](world, setup);
  const scene = sceneOf(server, actor, world);
  try {
    for (const act of provocations) await during(server, act, act.provoke(scene, act.client));
  } finally {
    await actor.stop();
  }
  await world.log.settle();
  return actor.logPath === world.log.traditional ? syslogs(world) : [logOf('mainlog', actor.logPath)];
};

/** Dovecot’s own log file, when it does not use syslog. */
const dovecotLog = '/var/log/dovecot.log';

export const playDovecot = async (
  provocations: readonly DovecotProvocation[],
  where: 'syslog' | 'own file' = 'syslog',
  settings = '',
): Promise<Log[]> => {
  await using world = await startWorld(`${settings}\n${where === 'syslog' ? '' : `log_path = ${dovecotLog}`}`);
  for (const act of provocations) await during('dovecot', act, act.provoke(act.client));
  await world.dovecot.stop();
  await world.log.settle();
  return where === 'syslog' ? syslogs(world) : [logOf('file', dovecotLog)];
};

const syslogs = ({ log }: World): Log[] => [logOf('traditional', log.traditional), logOf('iso', log.iso)];
