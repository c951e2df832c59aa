/**
 * 64-bit keys of subjects, in two 32-bit lanes. Seeded per installation, so that an attacker cannot compute which
 * addresses share a set of the table. Not cryptographic: a lucky collision costs one wrong record among 2^64.
 */
const space = 32;

export type Hash = { low: number; high: number };

const finish = (value: number): number => {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
};

/**
 * Hashes `text` into `into` (reused by the caller: no allocation on the hot path); another `salt`, another hash.
 * @param more the hash is that of `${text} ${more}`, without joining them
 */
export const hashInto = (into: Hash, seed: number, salt: number, text: string, more?: string): void => {
  let low = seed ^ Math.imul(salt + 1, 0x9e3779b1);
  let high = ~seed ^ Math.imul(salt + 1, 0x85ebca77);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    low = (low << 13) | (low >>> 19);
    high = Math.imul(high ^ code, 0x2c1b3c6d);
    high = (high << 15) | (high >>> 17);
  }
  let { length } = text;
  if (more !== undefined) {
    length += 1 + more.length;
    for (let i = -1; i < more.length; i++) {
      const code = i < 0 ? space : more.charCodeAt(i);
      low = Math.imul(low ^ code, 0x01000193);
      low = (low << 13) | (low >>> 19);
      high = Math.imul(high ^ code, 0x2c1b3c6d);
      high = (high << 15) | (high >>> 17);
    }
  }
  into.low = finish(low ^ length);
  into.high = finish(high ^ Math.imul(length, 0x297a2d39));
};
