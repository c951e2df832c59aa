/** How often each mail server has asked about mail of its own, counted by the listener threads in memory that all share. */
export const serverNames = ['postfix', 'exim', 'sendmail', 'dovecot'] as const;
export type CheckedServer = (typeof serverNames)[number];

export const askedCountBytes = serverNames.length * Int32Array.BYTES_PER_ELEMENT;

const places: ReadonlyMap<string, number> = new Map(serverNames.map((server, at) => [server, at]));

export type AskedCount = {
  readonly note: (server: string) => void;
  /** Wraps around: two of them differ when it has asked in between. */
  readonly of: (server: string) => number;
};

export const createAskedCount = (shared: SharedArrayBuffer): AskedCount => {
  const cells = new Int32Array(shared);
  return {
    note: (server) => {
      const place = places.get(server);
      if (place !== undefined) Atomics.add(cells, place, 1);
    },
    of: (server) => Atomics.load(cells, places.get(server) ?? 0),
  };
};
