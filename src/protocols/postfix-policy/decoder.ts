/**
 * Bytes of one connection to policy requests. A client may cut its bytes anywhere and send several requests at once;
 * the outcome is the same.
 */
import type { Buffer } from 'node:buffer';
import { findRequest } from './request.ts';
import type { Parsed } from './request.ts';

/** No end within `requestBytesMax`: the connection cannot find back into step, and whatever follows is not decoded. */
export type Decoded = Parsed | { readonly kind: 'too-large' };

export type RequestDecoder = {
  /** The requests that these bytes complete, in order. */
  readonly decode: (bytes: Buffer) => readonly Decoded[];
};

/** The empty line included. A request with every attribute at its longest stays far below. */
export const requestBytesMax = 16 * 1024;

export const createRequestDecoder = (): RequestDecoder => {
  let pending = '';
  let spent = false;
  return {
    decode: (bytes) => {
      if (spent) return [];
      const decoded: Decoded[] = [];
      const text = pending + bytes.toString('latin1');
      let from = 0;
      while (from < text.length) {
        const found = findRequest(text, from);
        if ((found?.next ?? text.length) - from > requestBytesMax) {
          spent = true;
          pending = '';
          return [...decoded, { kind: 'too-large' }];
        }
        if (found === undefined) break;
        decoded.push(found.parsed);
        from = found.next;
      }
      pending = text.slice(from);
      return decoded;
    },
  };
};
