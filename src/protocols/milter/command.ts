/** What a mail server tells a milter (libmilter's mfdef.h, SMFIC_…), protocol version 6. Text is latin1, byte for byte. */
import { Buffer } from 'node:buffer';
import { cString, cStrings, encodePacket } from './packet.ts';
import type { Packet } from './packet.ts';

export type Negotiation = {
  readonly version: number;
  /** What the milter may do (SMFIF_…). */
  readonly actions: number;
  /** Steps that the server can leave out, or do besides (SMFIP_…). */
  readonly protocol: number;
};

export type MilterCommand =
  | { readonly kind: 'negotiate'; readonly offer: Negotiation }
  | {
      readonly kind: 'connect';
      readonly host: string;
      readonly family: 'unknown' | 'unix' | 'inet' | 'inet6';
      readonly port: number;
      readonly address: string;
    }
  | { readonly kind: 'helo'; readonly name: string }
  /** `address` as it stood in the command, with its brackets. */
  | { readonly kind: 'mail' | 'rcpt'; readonly address: string; readonly parameters: readonly string[] }
  | { readonly kind: 'data' | 'end-of-headers' | 'abort' | 'quit' | 'quit-new-connection' }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'body' | 'end-of-message'; readonly bytes: Buffer }
  | { readonly kind: 'unknown'; readonly line: string }
  /** Values for the command that follows; `of` is its code letter. */
  | { readonly kind: 'macros'; readonly of: string; readonly values: ReadonlyMap<string, string> };

const families = new Map([
  ['U', 'unknown'],
  ['L', 'unix'],
  ['4', 'inet'],
  ['6', 'inet6'],
] as const);
const familyCodes = new Map([...families].map(([code, family]) => [family, code]));

type Decode = (data: Buffer) => MilterCommand | undefined;

const negotiate: Decode = (data) =>
  data.length < 12
    ? undefined
    : {
        kind: 'negotiate',
        offer: { version: data.readUInt32BE(0), actions: data.readUInt32BE(4), protocol: data.readUInt32BE(8) },
      };

const connect: Decode = (data) => {
  const end = data.indexOf(0);
  if (end < 0 || data.length < end + 2) return undefined;
  const host = data.toString('latin1', 0, end);
  const code = String.fromCodePoint(data[end + 1] ?? 0);
  const family = code === 'U' || code === 'L' || code === '4' || code === '6' ? families.get(code) : undefined;
  if (family === undefined) return undefined;
  if (family === 'unknown') return { kind: 'connect', host, family, port: 0, address: '' };
  if (data.length < end + 5 || data.at(-1) !== 0) return undefined;
  return {
    kind: 'connect',
    host,
    family,
    port: data.readUInt16BE(end + 2),
    address: data.toString('latin1', end + 4, data.length - 1),
  };
};

const oneText =
  (make: (text: string) => MilterCommand): Decode =>
  (data) => {
    const texts = cStrings(data);
    return texts?.length === 1 ? make(texts[0] ?? '') : undefined;
  };

const path =
  (kind: 'mail' | 'rcpt'): Decode =>
  (data) => {
    const [address, ...parameters] = cStrings(data) ?? [];
    return address === undefined ? undefined : { kind, address, parameters };
  };

const header: Decode = (data) => {
  const texts = cStrings(data);
  return texts?.length === 2 ? { kind: 'header', name: texts[0] ?? '', value: texts[1] ?? '' } : undefined;
};

const macros: Decode = (data) => {
  const texts = data.length === 0 ? undefined : cStrings(data.subarray(1));
  if (texts === undefined || texts.length % 2 !== 0) return undefined;
  const values = new Map<string, string>();
  for (let at = 0; at < texts.length; at += 2) values.set(texts[at] ?? '', texts[at + 1] ?? '');
  return { kind: 'macros', of: String.fromCodePoint(data[0] ?? 0), values };
};

const decoders = new Map<string, Decode>([
  ['O', negotiate],
  ['C', connect],
  ['H', oneText((name) => ({ kind: 'helo', name }))],
  ['M', path('mail')],
  ['R', path('rcpt')],
  ['T', () => ({ kind: 'data' })],
  ['L', header],
  ['N', () => ({ kind: 'end-of-headers' })],
  ['B', (bytes) => ({ kind: 'body', bytes })],
  ['E', (bytes) => ({ kind: 'end-of-message', bytes })],
  ['A', () => ({ kind: 'abort' })],
  ['Q', () => ({ kind: 'quit' })],
  ['K', () => ({ kind: 'quit-new-connection' })],
  ['U', oneText((line) => ({ kind: 'unknown', line }))],
  ['D', macros],
]);

/** @returns undefined for a code or a form that the protocol does not have */
export const decodeCommand = ({ code, data }: Packet): MilterCommand | undefined => decoders.get(code)?.(data);

const u32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, at * 4);
  return bytes;
};
const none = Buffer.alloc(0);
const texts = (...all: readonly string[]): Buffer => Buffer.concat(all.map(cString));

const connectData = (command: Extract<MilterCommand, { kind: 'connect' }>): Buffer => {
  const code = Buffer.from(familyCodes.get(command.family) ?? 'U', 'latin1');
  if (command.family === 'unknown') return Buffer.concat([cString(command.host), code]);
  const port = Buffer.alloc(2);
  port.writeUInt16BE(command.port);
  return Buffer.concat([cString(command.host), code, port, cString(command.address)]);
};

/** What a mail server would send: for tests, and for a client that proves a milter answers. */
export const encodeCommand = (command: MilterCommand): Buffer => {
  switch (command.kind) {
    case 'negotiate': {
      const { version, actions, protocol } = command.offer;
      return encodePacket({ code: 'O', data: u32(version, actions, protocol) });
    }
    case 'connect':
      return encodePacket({ code: 'C', data: connectData(command) });
    case 'helo':
      return encodePacket({ code: 'H', data: texts(command.name) });
    case 'mail':
    case 'rcpt':
      return encodePacket({
        code: command.kind === 'mail' ? 'M' : 'R',
        data: texts(command.address, ...command.parameters),
      });
    case 'data':
      return encodePacket({ code: 'T', data: none });
    case 'header':
      return encodePacket({ code: 'L', data: texts(command.name, command.value) });
    case 'end-of-headers':
      return encodePacket({ code: 'N', data: none });
    case 'body':
      return encodePacket({ code: 'B', data: command.bytes });
    case 'end-of-message':
      return encodePacket({ code: 'E', data: command.bytes });
    case 'abort':
      return encodePacket({ code: 'A', data: none });
    case 'quit':
      return encodePacket({ code: 'Q', data: none });
    case 'quit-new-connection':
      return encodePacket({ code: 'K', data: none });
    case 'unknown':
      return encodePacket({ code: 'U', data: texts(command.line) });
    case 'macros':
      return encodePacket({
        code: 'D',
        data: Buffer.concat([Buffer.from(command.of.slice(0, 1), 'latin1'), texts(...[...command.values].flat())]),
      });
  }
};
