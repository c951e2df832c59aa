/**
 * Plays a deed in a process of its own that is killed (SIGKILL) before or after one of the verbs it carries out. The
 * blow comes from the carrier that is handed in: what acts knows nothing of it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { CarryOut } from '../../src/model/verb.ts';

export type Blow = { readonly verb: number; readonly when: 'before' | 'after' };

/** Counts verbs and strikes at the chosen one. */
export const striking = (carryOut: CarryOut, blow: Blow | undefined): CarryOut => {
  let count = 0;
  return async (verb) => {
    const isIt = blow !== undefined && count++ === blow.verb;
    if (isIt && blow.when === 'before') process.kill(process.pid, 'SIGKILL');
    const answer = await carryOut(verb);
    if (isIt) process.kill(process.pid, 'SIGKILL');
    return answer;
  };
};

let compiled: string | undefined;
/** What was compiled is kept for the next of the many processes; one that is killed keeps nothing. */
const compileCache = (): string => {
  if (compiled !== undefined) return compiled;
  const folder = mkdtempSync(join(tmpdir(), 'postern-compiled-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return (compiled = folder);
};

/** Runs a scene module with JSON as its argument. @returns true when the blow fell, false when it came to its end before */
export const isKilled = async (scene: URL, script: object): Promise<boolean> => {
  const child = spawn(process.execPath, [scene.pathname, JSON.stringify(script)], {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache() },
  });
  const [complaint, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  if (signal === 'SIGKILL') return true;
  if (code !== 0) throw new Error(`the scene failed: ${complaint}`);
  return false;
};

/** Every verb of a deed in turn, before and after, until it comes to its end. @returns how many blows fell */
export const atEveryStep = async (play: (blow: Blow) => Promise<boolean>): Promise<number> => {
  let blows = 0;
  for (let verb = 0; ; verb++) {
    for (const when of ['before', 'after'] as const) {
      if (!(await play({ verb, when }))) return blows;
      blows++;
    }
  }
};
