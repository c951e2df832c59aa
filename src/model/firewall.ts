/**
 * Postern's own nftables table: what stands in it, and which keys a subject has there. Only mail ports are closed, so a
 * wrong block never takes the administrator's shell. Every set is a hash set with timeouts, networks too (the rule masks
 * the address before it looks): one more element costs the same at any size, which an interval set does not (nft(8), "Sets").
 */
import { addressOf, canonicalAddress } from './address.ts';
import { blockOf } from './address-set.ts';
import type { Block } from './address-set.ts';

export type FirewallVerdict = 'allow' | 'block';

/** SMTP, POP3, IMAP, submission and ManageSieve, with their TLS ports, and the ports that gates and second listeners use. */
const mailPorts = [25, 110, 143, 465, 587, 993, 995, 2525, 4190];

const families = [
  { width: 32, lengths: [32, 24], type: 'ipv4_addr', saddr: 'ip saddr' },
  { width: 128, lengths: [128, 64, 48], type: 'ipv6_addr', saddr: 'ip6 saddr' },
] as const;
type KeyLength = (typeof families)[number]['lengths'][number];

/** A network as wide as this or wider is not one attacker. */
const lengthMin = { 32: 16, 128: 32 } as const;
const allowLengthMin = { 32: 8, 128: 32 } as const;

export const setOf = (verdict: FirewallVerdict, length: KeyLength): string => `${verdict}${length}`;

const verdicts = ['allow', 'block'] as const;
export const keySets: readonly { name: string; verdict: FirewallVerdict; length: KeyLength }[] = verdicts.flatMap(
  (verdict) =>
    families.flatMap(({ lengths }) => lengths.map((length) => ({ name: setOf(verdict, length), verdict, length }))),
);

const maskOf = (width: 32 | 128, length: number): string =>
  addressOf(((1n << BigInt(length)) - 1n) << BigInt(width - length), width);

const rulesOf = (verdict: FirewallVerdict): string[] =>
  families.flatMap(({ width, lengths, saddr }) =>
    lengths.map((length) => {
      const key = length === width ? saddr : `${saddr} & ${maskOf(width, length)}`;
      const answer = verdict === 'allow' ? 'accept' : 'counter name blocked drop';
      return `add rule inet postern mail ${key} @${setOf(verdict, length)} ${answer}`;
    }),
  );

/** Makes the table, or leaves it as it is: all of it may be said again, elements stay. Before address translation (-100). */
export const tableLines: readonly string[] = [
  'add table inet postern',
  'add counter inet postern blocked',
  ...families.flatMap(({ lengths, type }) =>
    verdicts.flatMap((verdict) =>
      lengths.map((length) => `add set inet postern ${setOf(verdict, length)} { type ${type}; flags timeout; }`),
    ),
  ),
  'add chain inet postern mail { type filter hook prerouting priority -150; policy accept; }',
  'flush chain inet postern mail',
  `add rule inet postern mail tcp dport != { ${mailPorts.join(', ')} } accept`,
  'add rule inet postern mail meta l4proto != tcp accept',
  ...rulesOf('allow'),
  ...rulesOf('block'),
];

/** Gone with all that is in it; `add` first, because deleting what is not there fails. */
export const removalLines: readonly string[] = ['add table inet postern', 'delete table inet postern'];

const textOf = ({ width, length, bits }: Block): string => {
  const address = addressOf(bits << BigInt(width - length), width);
  return length === width ? address : `${address}/${length}`;
};

/** An address or network as it is told and remembered; an IPv6 address alone stands for its /64, which is one customer. */
export const firewallSubject = (text: string): string | undefined => {
  if (!text.includes(':') && !text.includes('/')) return canonicalAddress(text);
  const block = blockOf(text);
  if (block === undefined) return undefined;
  const isCustomer = block.width === 128 && block.length === 128 && !text.includes('/');
  return textOf(isCustomer ? { width: 128, length: 64, bits: block.bits >> 64n } : block);
};

/** True for what is too wide to be one attacker, or too wide for an allowance. */
export const isTooWide = (subject: string, verdict: FirewallVerdict): boolean => {
  const block = blockOf(subject);
  const least = verdict === 'allow' ? allowLengthMin : lengthMin;
  return block !== undefined && block.length < least[block.width];
};

export type Keys = { readonly length: KeyLength; readonly keys: readonly string[] };

/** The keys of a subject (`firewallSubject` made it): itself, or the networks of the next size that has a set. */
export const keysOf = (subject: string): Keys => {
  if (!subject.includes(':') && !subject.includes('/')) return { length: 32, keys: [subject] };
  const block = blockOf(subject);
  const family = families.find(({ width }) => width === block?.width);
  if (block === undefined || family === undefined) return { length: 32, keys: [] };
  const length = family.lengths.toSorted((a, b) => a - b).find((each) => each >= block.length) ?? family.lengths[0];
  const count = 2 ** (length - block.length);
  const first = block.bits << BigInt(length - block.length);
  const shift = BigInt(block.width - length);
  return {
    length,
    keys: Array.from({ length: count }, (_, at) => addressOf((first + BigInt(at)) << shift, block.width)),
  };
};

/** So many networks may be closed out at once: four million addresses of IPv4, a /32 of IPv6. */
export const blockedKeysMax: ReadonlyMap<string, number> = new Map([
  [setOf('block', 24), 16_384],
  [setOf('block', 48), 65_536],
]);

/** Elements of a set as `nft -j list set` prints them: a plain key, or `{"elem":{"val":KEY,…}}`. */
export const keysListed = (stdout: string): Set<string> => {
  const document: unknown = JSON.parse(stdout);
  const keys = new Set<string>();
  const note = (item: unknown): void => {
    if (typeof item === 'string') keys.add(item);
    else if (typeof item === 'object' && item !== null && 'elem' in item) {
      const { elem } = item;
      if (typeof elem === 'object' && elem !== null && 'val' in elem) note(elem.val);
    }
  };
  const parts = typeof document === 'object' && document !== null && 'nftables' in document ? document.nftables : [];
  for (const part of Array.isArray(parts) ? parts : []) {
    const listed: unknown = typeof part === 'object' && part !== null && 'set' in part ? part.set : undefined;
    if (typeof listed === 'object' && listed !== null && 'elem' in listed && Array.isArray(listed.elem))
      for (const item of listed.elem) note(item);
  }
  return keys;
};
