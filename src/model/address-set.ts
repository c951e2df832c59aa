/** A set of addresses and networks, as a postmaster writes them: `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`. */
import { bitsOf, canonicalAddress, ipv4NumberOf } from './address.ts';

export type AddressSet = { readonly has: (client: string) => boolean };

/** A network: its first `length` bits, shifted down to the lowest places. */
export type Block = { readonly width: 32 | 128; readonly length: number; readonly bits: bigint };

const widthOf = (address: string): 32 | 128 => (address.includes(':') ? 128 : 32);

/** One entry, or undefined when it is neither an address nor a network. Host bits beyond the length are ignored. */
export const blockOf = (entry: string): Block | undefined => {
  const slash = entry.indexOf('/');
  const address = canonicalAddress(slash < 0 ? entry : entry.slice(0, slash));
  const bits = address === undefined ? undefined : bitsOf(address);
  if (address === undefined || bits === undefined) return undefined;
  const width = widthOf(address);
  const lengthText = slash < 0 ? `${width}` : entry.slice(slash + 1);
  const length = Number(lengthText);
  if (!/^\d{1,3}$/.test(lengthText) || length > width) return undefined;
  return { width, length, bits: bits >> BigInt(width - length) };
};

/** True when one lies within the other. */
const overlap = (a: Block, b: Block): boolean => {
  if (a.width !== b.width) return false;
  const shared = Math.min(a.length, b.length);
  return a.bits >> BigInt(a.length - shared) === b.bits >> BigInt(b.length - shared);
};

/** The first of some entries that overlaps an address or network, or undefined. */
export const createOverlap = <Entry extends { readonly network: string }>(
  entries: readonly Entry[],
): ((subject: string) => Entry | undefined) => {
  const known = entries.flatMap((entry) => {
    const block = blockOf(entry.network);
    return block === undefined ? [] : [{ entry, block }];
  });
  return (subject) => {
    const wanted = blockOf(subject);
    return wanted === undefined ? undefined : known.find(({ block }) => overlap(block, wanted))?.entry;
  };
};

export const isAddressOrNetwork = (entry: string): boolean => blockOf(entry) !== undefined;

/** The first bits of an address, of each length that a set holds. */
type Firsts<Bits> = ReadonlyMap<number, ReadonlySet<Bits>>;

const firstsOf = <Bits>(blocks: readonly Block[], made: (bits: bigint) => Bits): Firsts<Bits> =>
  new Map(
    [...Map.groupBy(blocks, ({ length }) => length)].map(([length, alike]) => [
      length,
      new Set(alike.map(({ bits }) => made(bits))),
    ]),
  );

/** @param entries those that are no address or network are left out; check them with `isAddressOrNetwork` first */
export const createAddressSet = (entries: readonly string[]): AddressSet => {
  const blocks = entries.map(blockOf).filter((block) => block !== undefined);
  // Asked for each question and each event: an IPv4 address is a plain number.
  const short = firstsOf(
    blocks.filter(({ width }) => width === 32),
    Number,
  );
  const long = firstsOf(
    blocks.filter(({ width }) => width === 128),
    (bits) => bits,
  );
  return {
    has: (client) => {
      const number = ipv4NumberOf(client);
      if (number >= 0) {
        for (const [length, firsts] of short) if (firsts.has(Math.floor(number / 2 ** (32 - length)))) return true;
        return false;
      }
      const bits = long.size === 0 ? undefined : bitsOf(client);
      if (bits === undefined) return false;
      for (const [length, firsts] of long) if (firsts.has(bits >> BigInt(128 - length))) return true;
      return false;
    },
  };
};
