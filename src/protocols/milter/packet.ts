/** Packets of the milter protocol (sendmail's libmilter, mfdef.h): a length in four bytes, a code letter, its data. */
import { Buffer } from 'node:buffer';

export type Packet = {
  /** One character. */
  readonly code: string;
  readonly data: Buffer;
};

/** Servers send a message's body in pieces of at most 64 KiB; headers may be longer. Beyond, the connection is out of step. */
export const packetBytesMax = 1024 * 1024;

export type PacketCutter = {
  /** The packets that these bytes complete, in order; `too-large` once when a length cannot be right, and nothing after it. */
  readonly cut: (bytes: Buffer) => readonly (Packet | 'too-large')[];
};

const lengthBytes = 4;

export const createPacketCutter = (): PacketCutter => {
  let pending: Buffer = Buffer.alloc(0);
  let spent = false;
  return {
    cut: (bytes) => {
      if (spent) return [];
      const packets: (Packet | 'too-large')[] = [];
      const all = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
      let at = 0;
      while (all.length - at >= lengthBytes) {
        const length = all.readUInt32BE(at);
        if (length < 1 || length > packetBytesMax) {
          spent = true;
          pending = Buffer.alloc(0);
          return [...packets, 'too-large'];
        }
        const end = at + lengthBytes + length;
        if (end > all.length) break;
        const from = at + lengthBytes;
        packets.push({ code: String.fromCodePoint(all[from] ?? 0), data: all.subarray(from + 1, end) });
        at = end;
      }
      // A copy: what is left of a large read does not keep all of it.
      pending = at === all.length ? Buffer.alloc(0) : Buffer.from(all.subarray(at));
      return packets;
    },
  };
};

export const encodePacket = ({ code, data }: Packet): Buffer => {
  const bytes = Buffer.alloc(lengthBytes + 1 + data.length);
  bytes.writeUInt32BE(1 + data.length);
  bytes.write(code, lengthBytes, 'latin1');
  data.copy(bytes, lengthBytes + 1);
  return bytes;
};

/** Text ended by NUL; what stands behind a NUL within it is cut, so that no text can begin another. */
export const cString = (text: string): Buffer => {
  const nul = text.indexOf('\0');
  return Buffer.from(`${nul < 0 ? text : text.slice(0, nul)}\0`, 'latin1');
};

/** @returns undefined when the last one has no end */
export const cStrings = (data: Buffer): string[] | undefined => {
  if (data.length === 0) return [];
  if (data.at(-1) !== 0) return undefined;
  return data.toString('latin1', 0, data.length - 1).split('\0');
};
