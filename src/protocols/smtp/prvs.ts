/**
 * A signed envelope sender (draft-levine-smtp-batv-01 §5): `prvs=KDDDSSSSSS=local@domain`: which key, the last three digits of
 * the day on which it ends (days since 1970), and the start of a keyed hash over both and the address.
 */
export type Prvs = {
  readonly key: number;
  /** 0 to 999. */
  readonly day: number;
  /** Six hexadecimal digits, lower case. */
  readonly mac: string;
  /** The address without its signature. */
  readonly path: string;
};

export const macLength = 6;

export const readPrvs = (path: string): Prvs | undefined => {
  const parts = /^prvs=(\d)(\d{3})([0-9a-f]{6})=([^@]+@[^@]+)$/i.exec(path);
  const [, key = '', day = '', mac = '', rest = ''] = parts ?? [];
  return parts === null ? undefined : { key: Number(key), day: Number(day), mac: mac.toLowerCase(), path: rest };
};

const stamp = ({ key, day }: Omit<Prvs, 'mac' | 'path'>): string => `${key}${String(day).padStart(3, '0')}`;

export const writePrvs = ({ mac, path, ...rest }: Prvs): string => `prvs=${stamp(rest)}${mac}=${path}`;

/** What the hash is over. Domains have no case; the local part keeps its own, but comes back in any. */
export const hashedText = ({ path, ...rest }: Omit<Prvs, 'mac'>): string => `${stamp(rest)}${path.toLowerCase()}`;

/** True when a day, of which only the last three digits are known, is today or at most `daysMax` ahead. */
export const isAhead = (day: number, today: number, daysMax: number): boolean =>
  (day - (today % 1000) + 1000) % 1000 <= daysMax;
