/**
 * Constant databases, which Exim's `cdb` lookups read (cdb(5) of D. J. Bernstein's package: 256 tables of hashes behind the
 * records). Written here, because no program that makes them comes with Exim.
 */
const tables = 256;
const headBytes = tables * 8;

const hashOf = (key: Uint8Array): number => {
  let hash = 5381;
  for (const byte of key) hash = (((hash << 5) + hash) ^ byte) >>> 0;
  return hash;
};

const words = (...numbers: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32LE(number, at * 4);
  return bytes;
};

/** Where a record with this hash may stand: from its own slot on to the next empty one. */
const slotsFrom = (hash: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, at) => ((hash >>> 8) + at) % count);

/** @param entries keys and values, one character a byte; of a key that comes twice the first counts */
export const cdbOf = (entries: readonly (readonly [string, string])[]): Uint8Array => {
  const parts: Buffer[] = [];
  const placed: { readonly hash: number; readonly at: number }[] = [];
  let at = headBytes;
  for (const [key, value] of entries) {
    const [keyBytes, valueBytes] = [Buffer.from(key, 'latin1'), Buffer.from(value, 'latin1')];
    const record = Buffer.concat([words(keyBytes.length, valueBytes.length), keyBytes, valueBytes]);
    placed.push({ hash: hashOf(keyBytes), at });
    parts.push(record);
    at += record.length;
  }
  const head = Buffer.alloc(headBytes);
  const byTable = Map.groupBy(placed, ({ hash }) => hash % tables);
  for (let table = 0; table < tables; table++) {
    const own = byTable.get(table) ?? [];
    const slots: ({ readonly hash: number; readonly at: number } | undefined)[] = Array.from(
      { length: own.length * 2 },
      () => undefined,
    );
    for (const each of own) {
      const slot = slotsFrom(each.hash, slots.length).find((place) => slots[place] === undefined) ?? 0;
      slots[slot] = each;
    }
    head.writeUInt32LE(at, table * 8);
    head.writeUInt32LE(slots.length, table * 8 + 4);
    const bytes = words(...slots.flatMap((slot) => (slot === undefined ? [0, 0] : [slot.hash, slot.at])));
    parts.push(bytes);
    at += bytes.length;
  }
  return Buffer.concat([head, ...parts]);
};

/** What a lookup finds; undefined: nothing, or it is no such database. */
export const cdbValue = (database: Uint8Array, key: string): string | undefined => {
  const bytes = Buffer.from(database);
  const number = (at: number): number => (at + 4 <= bytes.length ? bytes.readUInt32LE(at) : 0);
  const hash = hashOf(Buffer.from(key, 'latin1'));
  const head = (hash % tables) * 8;
  const [start, count] = [number(head), number(head + 4)];
  if (count > bytes.length / 8) return undefined;
  for (const slot of slotsFrom(hash, count)) {
    const at = number(start + slot * 8 + 4);
    if (at === 0) return undefined;
    const [keyLength, valueLength] = [number(at), number(at + 4)];
    const from = at + 8;
    if (number(start + slot * 8) === hash && bytes.toString('latin1', from, from + keyLength) === key)
      return bytes.toString('latin1', from + keyLength, from + keyLength + valueLength);
  }
  return undefined;
};
