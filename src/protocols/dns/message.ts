/**
 * DNS messages as a client needs them (RFC 1035 §4): a question to bytes, an answer to values with their lifetimes, those of
 * "there is no such thing" too (RFC 2308 §5). Names are lower case, without the dot at the end; the root is ''.
 */
import { Buffer } from 'node:buffer';

export const dnsTypes = { A: 1, MX: 15, AAAA: 28 } as const;
export type DnsType = keyof typeof dnsTypes;
const soa = 6;

export type DnsQuestion = { readonly id: number; readonly name: string; readonly type: DnsType };

export type DnsReply = {
  readonly id: number;
  readonly name: string;
  readonly type: number;
  readonly code: number;
  /** It did not fit: ask again over TCP (RFC 7766 §5). */
  readonly truncated: boolean;
  /** Addresses, or the names of mail exchangers. */
  readonly values: readonly string[];
  /** How long the answer holds; undefined: it does not say. */
  readonly ttlSeconds: number | undefined;
};

export const dnsCodes = { ok: 0, noSuchName: 3 } as const;

const labelLengthMax = 63;
const nameLengthMax = 253;
const recordsMax = 200;
const headerLength = 12;

/** @returns undefined when no such name can be asked for */
export const encodeQuestion = ({ id, name, type }: DnsQuestion): Buffer | undefined => {
  const labels = name === '' ? [] : name.split('.');
  if (name.length > nameLengthMax) return undefined;
  if (labels.some((label) => label === '' || label.length > labelLengthMax || !/^[!-~]+$/.test(label)))
    return undefined;
  const head = Buffer.alloc(headerLength);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(0x01_00, 2); // recursion desired
  head.writeUInt16BE(1, 4);
  const tail = Buffer.alloc(5);
  tail.writeUInt16BE(dnsTypes[type], 1);
  tail.writeUInt16BE(1, 3);
  return Buffer.concat([
    head,
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1')),
    tail,
  ]);
};

/** A name, and where what follows it begins; a compressed one refers to what stands before it (RFC 1035 §4.1.4). */
const readName = (bytes: Buffer, from: number): { name: string; end: number } | undefined => {
  const labels: string[] = [];
  let at = from;
  let end: number | undefined;
  let before = from;
  for (let length = bytes[at]; length !== undefined; length = bytes[at]) {
    if (length === 0) {
      const name = labels.join('.').toLowerCase();
      return name.length > nameLengthMax ? undefined : { name, end: end ?? at + 1 };
    }
    if (length >= 0xc0) {
      const target = ((length & 0x3f) << 8) | (bytes[at + 1] ?? 0);
      // Always further back: so no name goes round in circles.
      if (at + 1 >= bytes.length || target >= before) return undefined;
      end ??= at + 2;
      [at, before] = [target, target];
      continue;
    }
    if (length > labelLengthMax || at + 1 + length > bytes.length || labels.length > nameLengthMax / 2)
      return undefined;
    const label = bytes.toString('latin1', at + 1, at + 1 + length);
    if (label.includes('.')) return undefined;
    labels.push(label);
    at += length + 1;
  }
  return undefined;
};

const addressText = (bytes: Buffer): string | undefined => {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return undefined;
  return Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(':');
};

type RawRecord = { readonly type: number; readonly ttl: number; readonly from: number; readonly end: number };

const readRecord = (bytes: Buffer, at: number): RawRecord | undefined => {
  const owner = readName(bytes, at);
  if (owner === undefined || owner.end + 10 > bytes.length) return undefined;
  const from = owner.end + 10;
  const end = from + bytes.readUInt16BE(owner.end + 8);
  if (end > bytes.length) return undefined;
  return { type: bytes.readUInt16BE(owner.end), ttl: bytes.readUInt32BE(owner.end + 4), from, end };
};

const valueOf = (bytes: Buffer, { type, from, end }: RawRecord): string | undefined => {
  if (type !== dnsTypes.MX) return addressText(bytes.subarray(from, end));
  return end - from < 3 ? undefined : readName(bytes, from + 2)?.name;
};

/** How long "no" holds: the zone's own word for it, the last of the numbers in its SOA. */
const negativeTtl = (bytes: Buffer, { ttl, from, end }: RawRecord): number | undefined =>
  end - from < 22 ? undefined : Math.min(ttl, bytes.readUInt32BE(end - 4));

/** @returns undefined when one of them is broken; what was cut off is simply not there */
const readRecords = (
  bytes: Buffer,
  from: number,
  count: number,
  truncated: boolean,
): readonly RawRecord[] | undefined => {
  const records: RawRecord[] = [];
  let at = from;
  while (records.length < Math.min(recordsMax, count)) {
    const record = readRecord(bytes, at);
    if (record === undefined) return truncated ? records : undefined;
    records.push(record);
    at = record.end;
  }
  return records;
};

/** @returns undefined when it is no answer to a single question */
export const decodeReply = (bytes: Buffer): DnsReply | undefined => {
  if (bytes.length < headerLength) return undefined;
  const flags = bytes.readUInt16BE(2);
  if ((flags & 0x80_00) === 0 || bytes.readUInt16BE(4) !== 1) return undefined;
  const question = readName(bytes, headerLength);
  if (question === undefined || question.end + 4 > bytes.length) return undefined;
  const type = bytes.readUInt16BE(question.end);
  const truncated = (flags & 0x02_00) !== 0;
  const count = bytes.readUInt16BE(6);
  const records = readRecords(bytes, question.end + 4, count + bytes.readUInt16BE(8), truncated);
  if (records === undefined) return undefined;
  const answers = records.slice(0, count);
  const values: string[] = [];
  for (const record of answers) {
    const value = record.type === type ? valueOf(bytes, record) : '';
    if (value === undefined) return undefined;
    if (record.type === type) values.push(value);
  }
  const authority = values.length > 0 ? undefined : records.slice(count).find((record) => record.type === soa);
  const lives = [...answers.map(({ ttl }) => ttl), authority === undefined ? undefined : negativeTtl(bytes, authority)];
  const known = lives.filter((seconds) => seconds !== undefined);
  const ttlSeconds = known.length === 0 ? undefined : Math.min(...known);
  return { id: bytes.readUInt16BE(0), name: question.name, type, code: flags & 0xf, truncated, values, ttlSeconds };
};
