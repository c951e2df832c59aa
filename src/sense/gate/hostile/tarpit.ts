/**
 * Holding: a hostile client is kept with slow, polite failures, because one that is refused a connection comes back from
 * another address at once. Within a budget; when it is spent, clients are sent away instead.
 */

export type Tarpit = {
  /** Takes a place for a connection. @returns false when all are taken */
  readonly admit: () => boolean;
  readonly leave: () => void;
  /** How long the next answer of a held client waits, in ms: longer each time. */
  readonly waitOf: (answers: number) => number;
  readonly held: () => number;
};

const firstMs = 2000;
const growth = 1.3;
/** Below what most clients wait for (RFC 5321 §4.5.3.2: five minutes), so that they stay. */
const msMax = 30_000;

export const createTarpit = (connectionsMax: number): Tarpit => {
  let held = 0;
  return {
    admit: () => {
      if (held >= connectionsMax) return false;
      held++;
      return true;
    },
    leave: () => {
      held--;
    },
    waitOf: (answers) => Math.min(msMax, firstMs * growth ** answers),
    held: () => held,
  };
};
