/**
 * Bytes of one connection to policy requests. A client may cut its bytes anywhere and send several requests at once;
 * the outcome is the same.
 */
import type { Buffer } from 'node:buffer';
import { parseRequest } from './request.ts';
import type { Parsed } from './request.ts';

/** No end within `requestBytesMax`: the connection cannot find back into step, and whatever follows is not decoded. */
export type Decoded = Parsed | { readonly kind: 'too-large' };

export type RequestDecoder = {
  /** The requests that these bytes complete, in order. */
  readonly decode: (bytes: Buffer) => readonly Decoded[];
  /** True while a request has begun and its end is missing. */
  readonly isWaiting: () => boolean;
};

/** The empty line included. A request with every attribute at its longest stays far below. */
export const requestBytesMax = 16 * 1024;

export const createRequestDecoder = (): RequestDecoder => {
  let pending = '';
  let searchFrom = 0;
  let spent = false;

  /** Where the request that begins at `from` ends, without its empty line; -1 when the end is not there yet. */
  const endOf = (text: string, from: number): number => {
    if (text.charCodeAt(from) === 10) return from;
    const end = text.indexOf('\n\n', Math.max(from, searchFrom));
    return end < 0 ? -1 : end + 1;
  };

  return {
    isWaiting: () => pending !== '',
    decode: (bytes) => {
      if (spent) return [];
      const decoded: Decoded[] = [];
      const text = pending + bytes.toString('latin1');
      let from = 0;
      for (;;) {
        const end = endOf(text, from);
        if ((end < 0 ? text.length : end + 1) - from > requestBytesMax) {
          spent = true;
          pending = '';
          return [...decoded, { kind: 'too-large' }];
        }
        if (end < 0) break;
        decoded.push(parseRequest(text.slice(from, end)));
        from = end + 1;
        searchFrom = 0;
      }
      pending = from === 0 ? text : text.slice(from);
      searchFrom = Math.max(0, pending.length - 1);
      return decoded;
    },
  };
};
