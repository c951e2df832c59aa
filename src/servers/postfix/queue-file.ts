/**
 * Postfix's queue file: typed records, each a type byte, a length in 7-bit groups (least significant first) and data.
 * Known from real files of Postfix 3.7 and their `postcat -e -o`. The C record says where the message begins and how long
 * it is, so the envelope is read from the two ends and the message is skipped. Pointer records (written when a milter
 * edits) are followed, boundedly. A file without execute permission is still being written; the caller skips those.
 */
import { canonicalAddress } from '../../model/address.ts';
import { noteHeader, recipientsKeptMax } from '../../model/queue/message.ts';
import type { QueueName, QueuedRecipient, ReadAt, ReadMessage } from '../../model/queue/message.ts';

const windowBytes = 4096;
/** A record of the envelope or a line of the message; Postfix's own line_length_limit is 2048. */
const recordBytesMax = 1024 * 1024;
const recordsMax = 2_000_000;
const jumpsMax = 10_000;
/** Header lines of the message that are looked at for where it came from. */
const headerLinesMax = 60;

type Cursor = { readonly take: () => QueueRecord | undefined; readonly jump: (offset: number) => void };
type QueueRecord = { readonly type: string; readonly data: string };

/** @returns records from an offset; undefined at the end of the file or where no record can be read */
export const cursorAt = (read: ReadAt, from: number): Cursor => {
  let window = '';
  let base = from;
  let at = 0;
  const have = (bytes: number): boolean => {
    if (at + bytes <= window.length) return true;
    base += at;
    at = 0;
    window = read(base, Math.max(windowBytes, bytes));
    return window.length >= bytes;
  };
  const take = (): QueueRecord | undefined => {
    if (!have(2)) return undefined;
    const type = window[at] ?? '';
    let length = 0;
    let used = 1;
    for (let shift = 0; ; shift += 7, used++) {
      if (shift > 28 || !have(used + 1)) return undefined;
      const byte = window.charCodeAt(at + used);
      length += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    used++;
    if (length > recordBytesMax || !have(used + length)) return undefined;
    const data = window.slice(at + used, at + used + length);
    at += used + length;
    return { type, data };
  };
  return {
    take,
    jump: (offset) => {
      if (offset >= base && offset <= base + window.length) {
        at = offset - base;
        return;
      }
      window = '';
      base = offset;
      at = 0;
    },
  };
};

type Envelope = {
  dataSize: number | undefined;
  dataOffset: number | undefined;
  arrived: number | undefined;
  sender: string | undefined;
  readonly recipients: QueuedRecipient[];
  recipientCount: number;
  deliveredCount: number;
  readonly attributes: Map<string, string>;
};

/** The attributes that are wanted; an attacker chooses how many others there are. */
const wanted = new Set(['sasl_username', 'log_client_address', 'client_address', 'log_helo_name', 'helo_name']);

const noteSizes = (envelope: Envelope, data: string): void => {
  const [size, offset] = data.trim().split(/ +/, 2).map(Number);
  if (Number.isSafeInteger(size)) envelope.dataSize = size;
  if (Number.isSafeInteger(offset)) envelope.dataOffset = offset;
};

const noteArrival = (envelope: Envelope, data: string): void => {
  const [seconds = NaN, micros = 0] = data.trim().split(' ').map(Number);
  if (Number.isFinite(seconds)) envelope.arrived = seconds * 1000 + Math.floor((micros || 0) / 1000);
};

const noteAttribute = (envelope: Envelope, data: string): void => {
  const equals = data.indexOf('=');
  const name = data.slice(0, equals);
  if (wanted.has(name)) envelope.attributes.set(name, data.slice(equals + 1));
};

type ReasonOf = (recipient: string) => string | undefined;

const noteRecipient = (envelope: Envelope, address: string, reasonOf: ReasonOf): void => {
  envelope.recipientCount++;
  if (envelope.recipients.length < recipientsKeptMax) envelope.recipients.push({ address, reason: reasonOf(address) });
};

const noteOf: ReadonlyMap<string, (envelope: Envelope, data: string, reasonOf: ReasonOf) => void> = new Map([
  ['R', noteRecipient],
  ['D', (envelope: Envelope) => void envelope.deliveredCount++],
  ['A', noteAttribute],
  ['S', (envelope: Envelope, data: string) => void (envelope.sender ??= data)],
  ['C', noteSizes],
  ['T', noteArrival],
]);

/** One segment: until the message (M), the end (E), or the end of what can be read. @returns the type that ended it */
const readSegment = (cursor: Cursor, envelope: Envelope, reasonOf: ReasonOf): string | undefined => {
  let jumps = 0;
  for (let count = 0; count < recordsMax; count++) {
    const record = cursor.take();
    if (record === undefined) return undefined;
    const { type, data } = record;
    if (type === 'M' || type === 'E') return type;
    if (type !== 'p') noteOf.get(type)?.(envelope, data, reasonOf);
    else {
      const target = Number(data.trim());
      // 0 is a placeholder that a milter may fill in later.
      if (!Number.isSafeInteger(target) || target < 0 || ++jumps > jumpsMax) return undefined;
      if (target > 0) cursor.jump(target);
    }
  }
  return undefined;
};

const fromUserid = /^Received: by \S+ \(Postfix, from userid (\d{1,10})\)$/;

/** The first lines of the message: Postfix's own Received line of a local submission is the first of all. */
const readHeaders = (
  cursor: Cursor,
): { uid: number | undefined; script: string | undefined; subject: string | undefined } => {
  const headers = { script: undefined, subject: undefined };
  let uid: number | undefined;
  for (let count = 0; count < headerLinesMax; count++) {
    const record = cursor.take();
    if (record === undefined || (record.type !== 'N' && record.type !== 'L') || record.data === '') break;
    if (count === 0) {
      const text = fromUserid.exec(record.data)?.[1];
      if (text !== undefined) uid = Number(text);
    }
    noteHeader(headers, record.data);
  }
  return { uid, ...headers };
};

export type PostfixFile = { readonly id: string; readonly queue: QueueName; readonly path: string };

const damaged = (why: string): ReadMessage => ({ kind: 'damaged', why });
const known = (text: string | undefined): string | undefined =>
  text === undefined || text === '' || text === 'unknown' ? undefined : text;

/** @param reasonOf what the defer log says of a recipient (`readDeferLog`) */
export const readQueueFile = (file: PostfixFile, read: ReadAt, reasonOf: ReasonOf): ReadMessage => {
  const envelope: Envelope = {
    dataSize: undefined,
    dataOffset: undefined,
    arrived: undefined,
    sender: undefined,
    recipients: [],
    recipientCount: 0,
    deliveredCount: 0,
    attributes: new Map(),
  };
  const cursor = cursorAt(read, 0);
  const end = readSegment(cursor, envelope, reasonOf);
  const { arrived, sender, dataSize, dataOffset, attributes } = envelope;
  if (end !== 'M') return damaged('its envelope ends before the message');
  if (arrived === undefined || sender === undefined || dataSize === undefined || dataOffset === undefined)
    return damaged('its envelope has no arrival time, sender or size');
  const headers = readHeaders(cursor);
  cursor.jump(dataOffset + dataSize);
  if (cursor.take()?.type !== 'X') return damaged('what follows the message is not there');
  if (readSegment(cursor, envelope, reasonOf) !== 'E') return damaged('it has no end record');
  const account = attributes.get('sasl_username');
  const address = known(attributes.get('log_client_address') ?? attributes.get('client_address'));
  return {
    kind: 'message',
    message: {
      server: 'postfix',
      ...file,
      arrived,
      sizeBytes: dataSize,
      sender,
      recipients: envelope.recipients,
      recipientCount: envelope.recipientCount,
      deliveredCount: envelope.deliveredCount,
      client: address === undefined ? undefined : canonicalAddress(address),
      helo: known(attributes.get('log_helo_name') ?? attributes.get('helo_name')),
      account: known(account),
      user: undefined,
      ...headers,
    },
  };
};

const deferBytesMax = 256 * 1024;
/** The defer log beside the queue file: blocks of `name=value`; `recipient=` opens one, `reason=` says why. The last word counts. */
export const readDeferLog = (text: string): ReadonlyMap<string, string> => {
  const reasons = new Map<string, string>();
  let recipient: string | undefined;
  for (const line of text.slice(0, deferBytesMax).split('\n')) {
    if (line.startsWith('recipient=')) recipient = line.slice(10);
    else if (line.startsWith('reason=') && recipient !== undefined) reasons.set(recipient, line.slice(7));
  }
  return reasons;
};

const microsDigits = 5;
const base52 = '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';
/** A short id begins with hexadecimal microseconds; a long one has them in base 52 before its `z`, hashed as if short. */
export const hashLetter = (id: string): string => {
  const z = id.lastIndexOf('z');
  if (z < 6 || /^[0-9A-F]+$/.test(id)) return id[0] ?? '';
  const digits = id.slice(z - 4, z);
  const micros = Array.from(digits).reduce((sum, digit) => sum * 52 + base52.indexOf(digit), 0);
  return micros.toString(16).toUpperCase().padStart(microsDigits, '0')[0] ?? '';
};
