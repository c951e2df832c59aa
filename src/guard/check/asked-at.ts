/** When each mail server last asked about mail of its own, noted by the listener threads in memory that all share. */
export const serverNames = ['postfix', 'exim', 'sendmail', 'dovecot'] as const;
export type CheckedServer = (typeof serverNames)[number];

export const askedAtBytes = serverNames.length * Uint32Array.BYTES_PER_ELEMENT;

const places: ReadonlyMap<string, number> = new Map(serverNames.map((server, at) => [server, at]));

export type AskedAt = {
  /** @param time milliseconds since 1970 */
  readonly note: (server: string, time: number) => void;
  /** Seconds since 1970; 0: not yet. */
  readonly of: (server: string) => number;
};

export const createAskedAt = (shared: SharedArrayBuffer): AskedAt => {
  const cells = new Uint32Array(shared);
  return {
    note: (server, time) => {
      const place = places.get(server);
      if (place !== undefined) Atomics.store(cells, place, Math.floor(time / 1000));
    },
    of: (server) => Atomics.load(cells, places.get(server) ?? 0),
  };
};
