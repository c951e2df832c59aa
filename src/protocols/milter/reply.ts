/** What a milter answers (libmilter's mfdef.h, SMFIR_…). Changes to a message are allowed at its end only. */
import { Buffer } from 'node:buffer';
import type { Negotiation } from './command.ts';
import { cString, cStrings, encodePacket } from './packet.ts';
import type { Packet } from './packet.ts';

/** Actions (SMFIF_…), to be asked for before they are used. */
export const actions = {
  addHeader: 0x01,
  changeBody: 0x02,
  addRecipient: 0x04,
  deleteRecipient: 0x08,
  changeHeader: 0x10,
  quarantine: 0x20,
  changeSender: 0x40,
  addRecipientWithParameters: 0x80,
  setMacros: 0x100,
} as const;
/** Steps (SMFIP_…) that the server leaves out, or does besides. */
export const steps = {
  noConnect: 0x01,
  noHelo: 0x02,
  noMail: 0x04,
  noRcpt: 0x08,
  noBody: 0x10,
  noHeaders: 0x20,
  noEndOfHeaders: 0x40,
  noReplyToHeaders: 0x80,
  noUnknown: 0x100,
  noData: 0x200,
  skip: 0x400,
  refusedRecipients: 0x800,
} as const;

/** Stages whose macros can be chosen (SMFIM_…). */
const macroStages = {
  connect: 0,
  helo: 1,
  mail: 2,
  rcpt: 3,
  data: 4,
  endOfMessage: 5,
  endOfHeaders: 6,
} as const;
type MacroStage = keyof typeof macroStages;

export type MilterReply =
  | {
      readonly kind: 'negotiate';
      readonly choice: Negotiation;
      /** Only when the server offered `setMacros`. */
      readonly macros: readonly (readonly [MacroStage, string])[];
    }
  | { readonly kind: 'continue' | 'accept' | 'reject' | 'tempfail' | 'discard' | 'skip' | 'progress' }
  | { readonly kind: 'connection-failed' | 'shutdown' }
  /** `550 5.7.1 text`; several lines each with its code, CRLF between them. 421 also closes the session. */
  | { readonly kind: 'reply-code'; readonly text: string }
  | { readonly kind: 'quarantine'; readonly reason: string }
  | { readonly kind: 'add-header'; readonly name: string; readonly value: string }
  | {
      readonly kind: 'insert-header' | 'change-header';
      readonly at: number;
      readonly name: string;
      readonly value: string;
    }
  | { readonly kind: 'change-sender' | 'add-recipient'; readonly address: string; readonly parameters?: string }
  | { readonly kind: 'delete-recipient'; readonly address: string }
  | { readonly kind: 'replace-body'; readonly bytes: Buffer };

const bare = new Map([
  ['c', 'continue'],
  ['a', 'accept'],
  ['r', 'reject'],
  ['t', 'tempfail'],
  ['d', 'discard'],
  ['s', 'skip'],
  ['p', 'progress'],
  ['f', 'connection-failed'],
  ['4', 'shutdown'],
] as const);
const bareCodes = new Map<string, string>([...bare].map(([code, kind]) => [kind, code]));

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const packet = (code: string, ...parts: readonly Buffer[]): Buffer =>
  encodePacket({ code, data: Buffer.concat(parts) });

export const encodeReply = (reply: MilterReply): Buffer => {
  switch (reply.kind) {
    case 'negotiate': {
      const { version, actions: wanted, protocol } = reply.choice;
      const macros = reply.macros.flatMap(([stage, names]) => [u32(macroStages[stage]), cString(names)]);
      return packet('O', u32(version), u32(wanted), u32(protocol), ...macros);
    }
    case 'reply-code':
      return packet('y', cString(reply.text));
    case 'quarantine':
      return packet('q', cString(reply.reason));
    case 'add-header':
      return packet('h', cString(reply.name), cString(reply.value));
    case 'insert-header':
    case 'change-header':
      return packet(
        reply.kind === 'insert-header' ? 'i' : 'm',
        u32(reply.at),
        cString(reply.name),
        cString(reply.value),
      );
    case 'change-sender':
      return packet(
        'e',
        cString(reply.address),
        ...(reply.parameters === undefined ? [] : [cString(reply.parameters)]),
      );
    case 'add-recipient':
      return reply.parameters === undefined
        ? packet('+', cString(reply.address))
        : packet('2', cString(reply.address), cString(reply.parameters));
    case 'delete-recipient':
      return packet('-', cString(reply.address));
    case 'replace-body':
      return packet('b', reply.bytes);
    case 'continue':
    case 'accept':
    case 'reject':
    case 'tempfail':
    case 'discard':
    case 'skip':
    case 'progress':
    case 'connection-failed':
    case 'shutdown':
      return packet(bareCodes.get(reply.kind) ?? 'c');
  }
};

const stageNames: readonly MacroStage[] = ['connect', 'helo', 'mail', 'rcpt', 'data', 'endOfMessage', 'endOfHeaders'];

const decodeNegotiation = (data: Buffer): MilterReply | undefined => {
  if (data.length < 12) return undefined;
  const choice = { version: data.readUInt32BE(0), actions: data.readUInt32BE(4), protocol: data.readUInt32BE(8) };
  const macros: [MacroStage, string][] = [];
  for (let at = 12; at < data.length;) {
    const end = data.indexOf(0, at + 4);
    const stage = at + 4 > data.length ? undefined : stageNames[data.readUInt32BE(at)];
    if (end < 0 || stage === undefined) return undefined;
    macros.push([stage, data.toString('latin1', at + 4, end)]);
    at = end + 1;
  }
  return { kind: 'negotiate', choice, macros };
};

type DecodeTexts = (first: string, second: string | undefined) => MilterReply | undefined;

const one =
  (make: (text: string) => MilterReply): DecodeTexts =>
  (first, second) =>
    second === undefined ? make(first) : undefined;
const two =
  (make: (first: string, second: string) => MilterReply): DecodeTexts =>
  (first, second) =>
    second === undefined ? undefined : make(first, second);

const textDecoders = new Map<string, DecodeTexts>([
  ['y', one((text) => ({ kind: 'reply-code', text }))],
  ['q', one((reason) => ({ kind: 'quarantine', reason }))],
  ['+', one((address) => ({ kind: 'add-recipient', address }))],
  ['-', one((address) => ({ kind: 'delete-recipient', address }))],
  ['h', two((name, value) => ({ kind: 'add-header', name, value }))],
  ['2', two((address, parameters) => ({ kind: 'add-recipient', address, parameters }))],
  [
    'e',
    (address, parameters) => ({ kind: 'change-sender', address, ...(parameters === undefined ? {} : { parameters }) }),
  ],
]);

const decodeTexts = (code: string, data: Buffer): MilterReply | undefined => {
  const texts = cStrings(data) ?? [];
  const [first, second] = texts;
  return first === undefined || texts.length > 2 ? undefined : textDecoders.get(code)?.(first, second);
};

const decodeIndexed = (kind: 'insert-header' | 'change-header', data: Buffer): MilterReply | undefined => {
  const texts = data.length < 4 ? undefined : cStrings(data.subarray(4));
  const [name, value] = texts ?? [];
  if (texts?.length !== 2 || name === undefined || value === undefined) return undefined;
  return { kind, at: data.readUInt32BE(0), name, value };
};

/** For a program that speaks to a milter as a server does. @returns undefined for what the protocol does not have */
export const decodeReply = ({ code, data }: Packet): MilterReply | undefined => {
  for (const [letter, kind] of bare) if (letter === code) return data.length === 0 ? { kind } : undefined;
  switch (code) {
    case 'O':
      return decodeNegotiation(data);
    case 'b':
      return { kind: 'replace-body', bytes: data };
    case 'i':
      return decodeIndexed('insert-header', data);
    case 'm':
      return decodeIndexed('change-header', data);
    default:
      return decodeTexts(code, data);
  }
};
