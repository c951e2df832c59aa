/**
 * Client addresses. One address has one text here (RFC 5952 for IPv6), whichever server printed it: Sendmail writes
 * `IPv6:2001:db8:0:0:0:0:0:1`, Postfix `2001:db8::1`, a dual-stack socket `::ffff:192.0.2.1`.
 */
import { keep, keepIfAny } from './keep.ts';

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** The number of a dotted-quad IPv4 address with no leading zeros (inet_pton's strict form), -1 when it is none. */
const ipv4NumberOf = (text: string): number => {
  const { length } = text;
  if (length < 7 || length > 15) return -1;
  let dots = 0;
  let number = 0;
  let value = -1;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (value < 0 || ++dots > 3) return -1;
      number = number * 256 + value;
      value = -1;
    } else if (isDigit(code)) {
      if (value === 0) return -1;
      value = value < 0 ? code - 48 : value * 10 + (code - 48);
      if (value > 255) return -1;
    } else return -1;
  }
  return dots === 3 && value >= 0 ? number * 256 + value : -1;
};

const isIPv4 = (text: string): boolean => ipv4NumberOf(text) >= 0;

/** Up to eight groups between colons; undefined when one is none. */
const hexGroups = (part: string): number[] | undefined => {
  if (part === '') return [];
  const numbers: number[] = [];
  for (const group of part.split(':')) {
    if (group.length < 1 || group.length > 4) return undefined;
    for (let i = 0; i < group.length; i++) {
      const code = group.charCodeAt(i) | 32;
      if (!isDigit(group.charCodeAt(i)) && (code < 97 || code > 102)) return undefined;
    }
    numbers.push(Number.parseInt(group, 16));
  }
  return numbers;
};

/** An IPv4 tail (`::ffff:192.0.2.1`) as the two groups it stands for. */
const withoutQuad = (text: string): string | undefined => {
  if (!text.includes('.')) return text;
  const colon = text.lastIndexOf(':');
  const quad = text.slice(colon + 1);
  if (colon < 0 || !isIPv4(quad)) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = quad.split('.').map(Number);
  return `${text.slice(0, colon + 1)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
};

/** The eight 16-bit groups of an IPv6 address, or undefined when the text is none. */
const groupsOf = (text: string): number[] | undefined => {
  const hex = text.length < 2 || text.length > 45 ? undefined : withoutQuad(text);
  if (hex === undefined) return undefined;
  const gap = hex.indexOf('::');
  if (gap < 0) {
    const groups = hexGroups(hex);
    return groups?.length === 8 ? groups : undefined;
  }
  const before = hexGroups(hex.slice(0, gap));
  const after = hexGroups(hex.slice(gap + 2));
  if (before === undefined || after === undefined) return undefined;
  const missing = 8 - before.length - after.length;
  return missing < 1 ? undefined : [...before, ...Array.from({ length: missing }, () => 0), ...after];
};

const textOf = (groups: readonly number[]): string => {
  let bestAt = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > bestLength) {
      bestAt = i;
      bestLength = length;
    }
    i += length;
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  return bestAt < 0 ? hex(groups) : `${hex(groups.slice(0, bestAt))}::${hex(groups.slice(bestAt + bestLength))}`;
};

/** Addresses met lately, by their number: who is busy has one text, which is cut out, kept and hashed once. */
const knownBits = 14;
const knownNumbers = new Float64Array(2 ** knownBits).fill(-1);
const knownTexts: string[] = Array.from(knownNumbers, () => '');

const knownIPv4 = (number: number, text: string): string => {
  const slot = Math.imul(number, 0x9e3779b1) >>> (32 - knownBits);
  if (knownNumbers[slot] !== number) {
    // Kept when it comes again: under a flood of addresses that come once nothing is kept and thrown away.
    knownNumbers[slot] = number;
    knownTexts[slot] = '';
    return keep(text);
  }
  return (knownTexts[slot] ||= keep(text));
};

/**
 * Canonical text of an address, or undefined when the text is not exactly one address. Takes `IPv6:`, `[…]`, `%zone`. It is
 * a text of its own, never a piece of the one it stood in.
 */
export const canonicalAddress = (text: string): string | undefined => {
  const number = ipv4NumberOf(text);
  if (number >= 0) return knownIPv4(number, text);
  if (text.length > longestMax) return keepIfAny(parseIPv6(text));
  if (knownIPv6.has(text)) return knownIPv6.get(text);
  if (knownIPv6.size >= knownIPv6Max) knownIPv6.clear();
  const address = keepIfAny(parseIPv6(text));
  knownIPv6.set(keep(text), address);
  return address;
};

/** What is no IPv4 address, and the address that it is. */
const knownIPv6 = new Map<string, string | undefined>();
const knownIPv6Max = 8192;
/** `IPv6:`, brackets, 45 characters. A zone may make it longer. */
const longestMax = 52;

const parseIPv6 = (text: string): string | undefined => {
  let bare = text;
  if (bare.startsWith('[') && bare.endsWith(']')) bare = bare.slice(1, -1);
  if (bare.length > 5 && bare.slice(0, 5).toLowerCase() === 'ipv6:') bare = bare.slice(5);
  const zone = bare.indexOf('%');
  if (zone > 0) bare = bare.slice(0, zone);
  if (isIPv4(bare)) return bare;
  const groups = groupsOf(bare);
  if (groups === undefined) return undefined;
  const mapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  if (mapped) {
    const [high = 0, low = 0] = groups.slice(6);
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  return textOf(groups);
};

const truncated = (client: string, groupsKept: number): string => {
  const groups = groupsOf(client);
  if (groups === undefined) return client;
  return textOf(groups.map((group, at) => (at < groupsKept ? group : 0)));
};

/** The address's bits, most significant first: 32 or 128 of them; undefined when the text is no address. */
export const bitsOf = (address: string): bigint | undefined => {
  if (isIPv4(address)) return address.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
  return groupsOf(address)?.reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
};

/** The text of an address of 32 or 128 bits. */
export const addressOf = (bits: bigint, width: 32 | 128): string => {
  const part = (size: number, at: number): number =>
    Number((bits >> BigInt(width - size * (at + 1))) & ((1n << BigInt(size)) - 1n));
  return width === 32
    ? [0, 1, 2, 3].map((at) => part(8, at)).join('.')
    : textOf([0, 1, 2, 3, 4, 5, 6, 7].map((at) => part(16, at)));
};

/** What is judged as one client: the IPv4 address, or the /64 of an IPv6 address (one customer has a whole /64). */
export const prefixOf = (client: string): string => (client.includes(':') ? `${truncated(client, 4)}/64` : client);

/** The network around a client: IPv4 /24, IPv6 /48. */
export const networkOf = (client: string): string =>
  client.includes(':') ? `${truncated(client, 3)}/48` : [client.slice(0, client.lastIndexOf('.')), '.0/24'].join('');

/** A rough stand-in for "another provider" where no routing table is at hand: IPv4 /16, IPv6 /32. */
export const regionOf = (client: string): string =>
  client.includes(':')
    ? `${truncated(client, 2)}/32`
    : `${client.slice(0, client.indexOf('.', client.indexOf('.') + 1))}.0.0/16`;

/** Domains met lately, by a hash of their characters. */
const domainBits = 12;
const knownDomains: string[] = Array.from({ length: 2 ** domainBits }, () => '');

const lowered = (code: number): number => (code >= 65 && code <= 90 ? code + 32 : code);

/** Is this what `domainOf` makes of the text from `from` on? Beyond ASCII it takes its time to say so: false. */
const isDomainAt = (domain: string, text: string, from: number): boolean => {
  const length = text.length - from - (text.charCodeAt(text.length - 1) === 46 ? 1 : 0);
  if (domain.length !== length) return false;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(from + i);
    if (code > 127 || lowered(code) !== domain.charCodeAt(i)) return false;
  }
  return true;
};

/** The domain of a mailbox address in lower case, without a final dot; '' when there is none. */
export const domainOf = (address: string): string => {
  let at = address.length - 1;
  let hash = 0;
  for (let code = 0; at >= 0; at--) {
    code = address.charCodeAt(at);
    if (code === 64) break;
    hash = (Math.imul(hash, 31) + (code | 32)) | 0;
  }
  if (at < 0) return '';
  const slot = Math.imul(hash, 0x9e3779b1) >>> (32 - domainBits);
  const known = knownDomains[slot];
  if (known !== undefined && isDomainAt(known, address, at + 1)) return known;
  const domain = address.slice(at + 1).toLowerCase();
  const fresh = keep(domain.endsWith('.') ? domain.slice(0, -1) : domain);
  knownDomains[slot] = fresh;
  return fresh;
};
