/**
 * What an SMTP client sends, as the session wants it: command lines, or the content of a message (RFC 5321 §2.3.8, §4.5.2;
 * BDAT: RFC 3030). Only CRLF ends a line, and only CRLF `.` CRLF ends a message: a bare CR or LF is told and never ends
 * anything, so nothing can be smuggled past whoever reads it otherwise. Wherever the bytes are cut, the outcome is the same.
 */
import { Buffer } from 'node:buffer';

export type Input =
  /** Without its CRLF; latin1, byte for byte. */
  | { readonly kind: 'line'; readonly text: string }
  /** The whole line is gone; the next one is read as usual. */
  | { readonly kind: 'bad-line'; readonly why: 'too-long' | 'bare-newline' }
  /** Content of a message, without the dots that only stood for the wire; none behind a bare CR or LF. */
  | { readonly kind: 'content'; readonly bytes: Buffer }
  | { readonly kind: 'content-end'; readonly hadBareNewline: boolean };

export type SmtpInput = {
  readonly feed: (bytes: Buffer) => void;
  /** @returns undefined when more bytes are needed */
  readonly next: () => Input | undefined;
  /** What follows is a message, ended by a dot. */
  readonly expectMessage: () => void;
  /** What follows is `length` bytes of a message (BDAT), the first ones of it or more. */
  readonly expectChunk: (length: number, isFirst: boolean, isLast: boolean) => void;
  /** Forgets what was sent ahead, as STARTTLS demands (RFC 3207 §4.2). @returns how many bytes */
  readonly discard: () => number;
  /** Bytes that wait. */
  readonly waiting: () => number;
};

/** RFC 5321 §4.5.3.1.4 asks for 512; extensions and AUTH (RFC 4954 §4) for more. */
export const lineBytesMax = 12_288;

/** One for all connections: an empty buffer of its own, or the end of one that was read, would keep memory for each. */
const nothing = Buffer.alloc(0);
const cr = 13;
const lf = 10;
const dot = 46;

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const createSmtpInput = (): SmtpInput => {
  let pending: Buffer = nothing;
  let mode: 'lines' | 'message' | 'chunk' = 'lines';
  let skipping = false;
  /** message */
  let atLineStart = true;
  let afterCr = false;
  let hadBareNewline = false;
  let ended = false;
  /** chunk */
  let left = 0;
  let isLastChunk = false;

  const nextLine = (): Input | undefined => {
    const end = pending.indexOf(lf);
    if (end < 0) {
      if (pending.length <= lineBytesMax) return undefined;
      skipping = true;
      // A CR that came last may belong to the LF that is not there yet.
      pending = pending.subarray(pending.length - 1);
      return undefined;
    }
    const line = pending.subarray(0, end);
    pending = end + 1 === pending.length ? nothing : pending.subarray(end + 1);
    if (skipping || line.length > lineBytesMax) {
      skipping = false;
      return { kind: 'bad-line', why: 'too-long' };
    }
    const isWhole = line.at(-1) === cr && line.indexOf(cr) === line.length - 1;
    if (!isWhole) return { kind: 'bad-line', why: 'bare-newline' };
    return { kind: 'line', text: line.toString('latin1', 0, line.length - 1) };
  };

  const noteBareCr = (bytes: Buffer, from: number, to: number): void => {
    const at = bytes.indexOf(cr, from);
    if (at >= 0 && at < to) hadBareNewline = true;
  };

  /** Reads content up to the end of the message or of what is there. @returns where it stopped, and where content began */
  const readContent = (parts: Buffer[]): void => {
    const bytes = pending;
    let from = 0;
    let at = 0;
    const take = (to: number): void => {
      if (to > from) parts.push(bytes.subarray(from, to));
      from = to;
    };
    while (at < bytes.length) {
      if (atLineStart && bytes[at] === dot) {
        if (at + 2 >= bytes.length) break;
        if (bytes[at + 1] === cr && bytes[at + 2] === lf) {
          take(at);
          ended = true;
          pending = bytes.subarray(at + 3);
          return;
        }
        take(at);
        from = ++at;
      }
      atLineStart = false;
      if (afterCr && bytes[at] !== lf) hadBareNewline = true;
      const end = bytes.indexOf(lf, at);
      if (end < 0) {
        noteBareCr(bytes, at, bytes.length - 1);
        afterCr = bytes.at(-1) === cr;
        at = bytes.length;
        break;
      }
      const isWhole = end > at ? bytes[end - 1] === cr : afterCr;
      if (isWhole) noteBareCr(bytes, at, end - 1);
      else hadBareNewline = true;
      afterCr = false;
      // After a bare LF no line begins: a dot there is content.
      atLineStart = isWhole;
      at = end + 1;
    }
    take(at);
    pending = bytes.subarray(at);
  };

  const nextContent = (): Input | undefined => {
    if (!ended) {
      const parts: Buffer[] = [];
      readContent(parts);
      // Whoever reads it otherwise must not get to see what it ends.
      if (parts.length > 0 && !hadBareNewline)
        return {
          kind: 'content',
          bytes: parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts),
        };
      if (!ended) return undefined;
    }
    mode = 'lines';
    return { kind: 'content-end', hadBareNewline };
  };

  /** In a chunk each CR has its LF and each LF its CR, across the chunks of a message too. */
  const noteBareIn = (bytes: Buffer): void => {
    if (afterCr && bytes[0] !== lf) hadBareNewline = true;
    for (let at = bytes.indexOf(lf); at >= 0; at = bytes.indexOf(lf, at + 1))
      if (at > 0 ? bytes[at - 1] !== cr : !afterCr) hadBareNewline = true;
    for (let at = bytes.indexOf(cr); at >= 0 && at < bytes.length - 1; at = bytes.indexOf(cr, at + 1))
      if (bytes[at + 1] !== lf) hadBareNewline = true;
    afterCr = bytes.at(-1) === cr;
  };

  const nextChunk = (): Input | undefined => {
    while (left > 0) {
      if (pending.length === 0) return undefined;
      const bytes = pending.subarray(0, left);
      pending = pending.subarray(bytes.length);
      left -= bytes.length;
      noteBareIn(bytes);
      if (!hadBareNewline) return { kind: 'content', bytes };
    }
    if (isLastChunk && afterCr) hadBareNewline = true;
    mode = 'lines';
    return { kind: 'content-end', hadBareNewline };
  };

  return {
    feed: (bytes) => {
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
    },
    next: () => {
      if (mode === 'message') return nextContent();
      return mode === 'chunk' ? nextChunk() : nextLine();
    },
    expectMessage: () => {
      [mode, atLineStart, afterCr, hadBareNewline, ended] = ['message', true, false, false, false];
    },
    expectChunk: (length, isFirst, isLast) => {
      [mode, left, isLastChunk] = ['chunk', length, isLast];
      if (isFirst) [afterCr, hadBareNewline] = [false, false];
    },
    discard: () => {
      const { length } = pending;
      pending = nothing;
      return length;
    },
    waiting: () => pending.length,
  };
};
