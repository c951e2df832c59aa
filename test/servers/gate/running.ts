/** The gate as it runs in the world: `postern run`, a process of its own that can be killed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hookNames } from '../../../src/guard/settings.ts';
import { awaitPorts } from '../lab/await.ts';
import { startDaemon, stoppable } from '../lab/daemon.ts';
import type { Daemon, Stoppable } from '../lab/daemon.ts';

const root = join(import.meta.dirname, '../../..');
const host = '127.0.0.1';

export type RunningGate = {
  readonly pid: () => number;
  /** Its state directory. */
  readonly state: string;
  /** Killed with SIGKILL and started again on what its disk holds. */
  readonly crash: () => Promise<void>;
} & Stoppable;

/** @param yaml the part of the configuration that the test is about */
export const runGate = async (
  hook: 'gate' | 'submission',
  port: number,
  yaml: readonly string[],
): Promise<RunningGate> => {
  const state = mkdtempSync(join(tmpdir(), 'postern-gate-'));
  const file = join(state, 'postern.yaml');
  const others = hookNames.filter((name) => name !== hook && name !== 'gate');
  const config = [
    `state: ${state}`,
    'logs: []',
    'judge: { learning: 0 }',
    ...others.map((name) => `${name}: { listen: off }`),
    ...yaml,
  ];
  writeFileSync(file, `${config.join('\n')}\n`);
  const start = async (): Promise<Daemon> => {
    const daemon = startDaemon('postern run', process.execPath, [
      join(root, 'src/cli/main.ts'),
      'run',
      '--config',
      file,
    ]);
    await daemon.until(awaitPorts(host, [port]));
    return daemon;
  };
  let daemon = await start();
  return {
    pid: () => daemon.pid,
    state,
    crash: async () => {
      await daemon.crash();
      // The kernel may close the sockets of a killed process after its end: the port of the old one is no sign of the new one.
      await awaitPorts(host, [port], false);
      daemon = await start();
    },
    ...stoppable(async () => {
      await daemon.stop();
      rmSync(state, { recursive: true });
    }),
  };
};
