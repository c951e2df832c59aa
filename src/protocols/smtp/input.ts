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

/** RFC 5321 §4.5.3.1.4 asks for 512; extensions and AUTH (RFC 4954 §4) for more. */
export const lineBytesMax = 12_288;

/** One for all connections: an empty buffer of its own, or the end of one that was read, would keep memory for each. */
const nothing = Buffer.alloc(0);
const cr = 13;
const lf = 10;
const dot = 46;

/** A class, because each held connection has one: closures would cost it a kilobyte. */
export class SmtpInput {
  #pending: Buffer = nothing;
  /** What stands before it is read. */
  #from = 0;
  #mode: 'lines' | 'message' | 'chunk' = 'lines';
  #skipping = false;
  /** message */
  #atLineStart = true;
  #afterCr = false;
  #hadBareNewline = false;
  #ended = false;
  /** chunk */
  #left = 0;
  #isLastChunk = false;

  feed(bytes: Buffer): void {
    const rest = this.#rest();
    this.#pending = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    this.#from = 0;
  }

  /** @returns undefined when more bytes are needed */
  next(): Input | undefined {
    if (this.#mode === 'message') return this.#nextContent();
    return this.#mode === 'chunk' ? this.#nextChunk() : this.#nextLine();
  }

  /** What follows is a message, ended by a dot. */
  expectMessage(): void {
    this.#mode = 'message';
    this.#atLineStart = true;
    this.#afterCr = false;
    this.#hadBareNewline = false;
    this.#ended = false;
  }

  /** What follows is `length` bytes of a message (BDAT), the first ones of it or more. */
  expectChunk(length: number, isFirst: boolean, isLast: boolean): void {
    this.#mode = 'chunk';
    this.#left = length;
    this.#isLastChunk = isLast;
    if (!isFirst) return;
    this.#afterCr = false;
    this.#hadBareNewline = false;
  }

  /** Forgets what was sent ahead, as STARTTLS demands (RFC 3207 §4.2). @returns how many bytes */
  discard(): number {
    const bytes = this.waiting();
    this.#keepFrom(this.#pending.length);
    return bytes;
  }

  /** Bytes that wait. */
  waiting(): number {
    return this.#pending.length - this.#from;
  }

  #rest(): Buffer {
    return this.#from === 0 ? this.#pending : this.#pending.subarray(this.#from);
  }

  #keepFrom(at: number): void {
    const isRead = at >= this.#pending.length;
    if (isRead) this.#pending = nothing;
    this.#from = isRead ? 0 : at;
  }

  #nextLine(): Input | undefined {
    const [bytes, from] = [this.#pending, this.#from];
    const end = bytes.indexOf(lf, from);
    if (end < 0) {
      if (bytes.length - from <= lineBytesMax) return undefined;
      this.#skipping = true;
      // A CR that came last may belong to the LF that is not there yet.
      this.#keepFrom(bytes.length - 1);
      return undefined;
    }
    this.#keepFrom(end + 1);
    if (this.#skipping || end - from > lineBytesMax) {
      this.#skipping = false;
      return { kind: 'bad-line', why: 'too-long' };
    }
    const isWhole = end > from && bytes.indexOf(cr, from) === end - 1;
    if (!isWhole) return { kind: 'bad-line', why: 'bare-newline' };
    return { kind: 'line', text: bytes.toString('latin1', from, end - 1) };
  }

  #nextContent(): Input | undefined {
    if (!this.#ended) {
      const parts = this.#readContent();
      // Whoever reads it otherwise must not get to see what it ends.
      if (parts.length > 0 && !this.#hadBareNewline)
        return {
          kind: 'content',
          bytes: parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts),
        };
      if (!this.#ended) return undefined;
    }
    this.#mode = 'lines';
    return { kind: 'content-end', hadBareNewline: this.#hadBareNewline };
  }

  /** Reads content up to the end of the message or of what is there. */
  #readContent(): readonly Buffer[] {
    const parts: Buffer[] = [];
    const bytes = this.#rest();
    let from = 0;
    let at = 0;
    const take = (to: number): void => {
      if (to > from) parts.push(bytes.subarray(from, to));
      from = to;
    };
    const keepFrom = (to: number): void => this.#keepFrom(this.#from + to);
    while (at < bytes.length) {
      if (this.#atLineStart && bytes[at] === dot) {
        if (at + 2 >= bytes.length) break;
        if (bytes[at + 1] === cr && bytes[at + 2] === lf) {
          take(at);
          this.#ended = true;
          keepFrom(at + 3);
          return parts;
        }
        take(at);
        from = ++at;
      }
      this.#atLineStart = false;
      if (this.#afterCr && bytes[at] !== lf) this.#hadBareNewline = true;
      const end = bytes.indexOf(lf, at);
      if (end < 0) {
        this.#noteBareCr(bytes, at, bytes.length - 1);
        this.#afterCr = bytes.at(-1) === cr;
        at = bytes.length;
        break;
      }
      const isWhole = end > at ? bytes[end - 1] === cr : this.#afterCr;
      if (isWhole) this.#noteBareCr(bytes, at, end - 1);
      else this.#hadBareNewline = true;
      this.#afterCr = false;
      // After a bare LF no line begins: a dot there is content.
      this.#atLineStart = isWhole;
      at = end + 1;
    }
    take(at);
    keepFrom(at);
    return parts;
  }

  #noteBareCr(bytes: Buffer, from: number, to: number): void {
    const at = bytes.indexOf(cr, from);
    if (at >= 0 && at < to) this.#hadBareNewline = true;
  }

  /** In a chunk each CR has its LF and each LF its CR, across the chunks of a message too. */
  #noteBareIn(bytes: Buffer): void {
    let isBare = this.#afterCr && bytes[0] !== lf;
    for (let at = bytes.indexOf(lf); at >= 0; at = bytes.indexOf(lf, at + 1))
      if (at > 0 ? bytes[at - 1] !== cr : !this.#afterCr) isBare = true;
    for (let at = bytes.indexOf(cr); at >= 0 && at < bytes.length - 1; at = bytes.indexOf(cr, at + 1))
      if (bytes[at + 1] !== lf) isBare = true;
    if (isBare) this.#hadBareNewline = true;
    this.#afterCr = bytes.at(-1) === cr;
  }

  #nextChunk(): Input | undefined {
    while (this.#left > 0) {
      const rest = this.#rest();
      if (rest.length === 0) return undefined;
      const bytes = rest.subarray(0, this.#left);
      this.#keepFrom(this.#from + bytes.length);
      this.#left -= bytes.length;
      this.#noteBareIn(bytes);
      if (!this.#hadBareNewline) return { kind: 'content', bytes };
    }
    if (this.#isLastChunk && this.#afterCr) this.#hadBareNewline = true;
    this.#mode = 'lines';
    return { kind: 'content-end', hadBareNewline: this.#hadBareNewline };
  }
}
