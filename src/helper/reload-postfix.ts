/**
 * `postfix reload` ends when the master(8) has been told. Until it has begun anew its idle servers take sessions by the old
 * settings: on a busy machine one in three that come at once.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../model/fault.ts';
import type { Ran, Verb } from '../model/verb.ts';
import type { Allowance } from './allowance.ts';
import { anewMsMax, linkAt, lookEveryMs, pidIn, programOf } from './hang-up.ts';
import { runProgram } from './run-program.ts';

type Run = Verb & { readonly verb: 'run' };

/**
 * It hears its servers through a pair of sockets for each line of master.cf, which it makes anew with it: streams without a
 * name, connected (/proc/net/unix: type 0001, state 03, no path). Not those that it was started with.
 */
const pairsOf = (master: number): ReadonlySet<string> => {
  try {
    const folder = `/proc/${master}/fd`;
    const open = new Set(
      readdirSync(folder)
        .filter((fd) => Number(fd) > 2)
        .map((fd) => linkAt(`${folder}/${fd}`)),
    );
    return new Set(
      readFileSync(`/proc/${master}/net/unix`, 'latin1')
        .split('\n')
        .map((line) => line.trim().split(/ +/))
        .filter(([, , , , type, state, , path]) => type === '0001' && state === '03' && path === undefined)
        .flatMap(({ 6: inode = '' }) => (open.has(`socket:[${inode}]`) ? [inode] : [])),
    );
  } catch {
    return new Set();
  }
};

const masterOf = async (config: readonly string[], allowance: Allowance): Promise<number | undefined> => {
  const args = [...config, '-hx', 'queue_directory'];
  const { stdout } = await runProgram({ verb: 'run', program: 'postconf', args }, allowance);
  const pid = pidIn(join(stdout.trim(), 'pid/master.pid'));
  return pid !== undefined && programOf(pid) === 'master' ? pid : undefined;
};

/** An idle server finds its socket closed before it hears of the next client. */
const beginsAnew = async (master: number, before: ReadonlySet<string>): Promise<boolean> => {
  for (const began = Date.now(); ; await pause(lookEveryMs)) {
    const kept = pairsOf(master).intersection(before);
    if (kept.size === 0) return true;
    if (Date.now() - began > anewMsMax) return kept.size < before.size;
  }
};

export const isPostfixReload = ({ program, args }: Run): boolean => program === 'postfix' && args.at(-1) === 'reload';

/** @throws Fault PARTLY_DONE when it was told, but did not begin anew in time */
export const reloadPostfix = async (run: Run, allowance: Allowance): Promise<Ran> => {
  const master = await masterOf(run.args.slice(0, -1), allowance);
  const before = master === undefined ? new Set<string>() : pairsOf(master);
  const ran = await runProgram(run, allowance);
  if (master === undefined || ran.status !== 0 || before.size === 0) return ran;
  if (await beginsAnew(master, before)) return ran;
  throw new Fault(
    'PARTLY_DONE',
    `postfix (${master}) was told to read its configuration, but did not begin anew within ${anewMsMax / 1000} s: the mail log says why`,
  );
};
