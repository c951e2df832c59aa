/**
 * Connections to the server behind the gate that wait for the next session. Only for a server that is told of the client
 * in a Received line: where the connection itself carries the client's address, each session has its own.
 */
import type { Wire } from './wire.ts';

export type Pooled = {
  readonly wire: Wire;
  /** Takes several commands in one go (RFC 2920). */
  readonly pipelines: boolean;
  uses: number;
};

type Pool = {
  /** One that still answers, reset; undefined: dial. */
  readonly take: () => Promise<Pooled | undefined>;
  /** After a session in which nothing was refused and nobody logged in. */
  readonly put: (pooled: Pooled) => void;
  readonly stop: () => void;
};

const idleMax = 10;
/** Less than servers wait for a command (RFC 5321 §4.5.3.2.7), and than firewalls remember. */
const idleMsMax = 20_000;
/** A connection that says nothing for so long is as good as none. */
const aliveMsMax = 2000;
/** Servers count what one connection does. */
const usesMax = 20;

export const createPool = (): Pool => {
  const idle = new Map<Pooled, NodeJS.Timeout>();

  const remove = (pooled: Pooled): void => {
    clearTimeout(idle.get(pooled));
    idle.delete(pooled);
  };
  const quit = (pooled: Pooled): void => {
    remove(pooled);
    pooled.wire.quit();
  };

  return {
    take: async () => {
      const pooled = [...idle.keys()].at(-1);
      if (pooled === undefined) return undefined;
      remove(pooled);
      try {
        if ((await pooled.wire.say('RSET', aliveMsMax)).code === 250) return pooled;
      } catch {
        // It went away meanwhile, perhaps in silence.
      }
      pooled.wire.socket.destroy();
      // And so did the others, probably: no client waits for more than one.
      for (const other of idle.keys()) quit(other);
      return undefined;
    },
    put: (pooled) => {
      const { socket } = pooled.wire;
      pooled.uses++;
      if (socket.destroyed || pooled.uses >= usesMax || idle.size >= idleMax) {
        pooled.wire.quit();
        return;
      }
      if (pooled.uses === 1) socket.once('close', () => remove(pooled));
      idle.set(pooled, setTimeout(() => quit(pooled), idleMsMax).unref());
    },
    stop: () => {
      for (const pooled of idle.keys()) quit(pooled);
    },
  };
};
