/** Dots for the wire (RFC 5321 §4.5.2): a line of a message that begins with one gets another. */
import { Buffer } from 'node:buffer';

const dot = Buffer.from('.');

/** @returns takes content piece by piece and gives it with its dots; `end` gives the closing line */
export const createDots = (): { readonly put: (bytes: Buffer) => Buffer; readonly end: () => Buffer } => {
  let tail = '\r\n';
  return {
    put: (bytes) => {
      if (bytes.length === 0) return bytes;
      const parts: Buffer[] = [];
      let from = 0;
      if (tail === '\r\n' && bytes[0] === 46) parts.push(dot);
      else if (tail.endsWith('\r') && bytes[0] === 10 && bytes[1] === 46) {
        parts.push(bytes.subarray(0, 1), dot);
        from = 1;
      }
      for (let at = bytes.indexOf('\r\n.'); at >= 0; at = bytes.indexOf('\r\n.', at + 2)) {
        parts.push(bytes.subarray(from, at + 2), dot);
        from = at + 2;
      }
      parts.push(bytes.subarray(from));
      tail = (tail + bytes.toString('latin1', Math.max(0, bytes.length - 2))).slice(-2);
      return Buffer.concat(parts);
    },
    end: () => Buffer.from(tail === '\r\n' ? '.\r\n' : '\r\n.\r\n'),
  };
};
