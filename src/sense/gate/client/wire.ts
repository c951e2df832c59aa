/**
 * A client's wire: its bytes as the session wants them, its replies, and the waits in between, which end when it goes away.
 * Nothing is read ahead of what can be answered, and whoever reads too slowly is let go.
 */
import type { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { lineBytesMax, SmtpInput } from '../../../protocols/smtp/input.ts';
import type { Input } from '../../../protocols/smtp/input.ts';
import { encodeReply } from '../../../protocols/smtp/reply.ts';
import type { SmtpReply } from '../../../protocols/smtp/reply.ts';
import { newTranscript, noteSaid } from './transcript.ts';

/** With more than this before it, nothing is read any more (one read brings 64 KiB at most); a line of any allowed length fits. */
const aheadBytesMax = lineBytesMax;
/** For the last reply to arrive; a client that does not close is closed. */
const closeMsMax = 1000;

/** A class, and few closures: fifteen thousand clients may be held at once. */
export class ClientWire {
  readonly input = new SmtpInput();
  readonly transcript = newTranscript();
  socket: Socket;
  readonly #readMsMax: number;
  /** The client sends nothing more; it may still read (RFC 9293 §3.6: half-closed). */
  hasEnded = false;
  /** Nobody waits for an answer any more: pauses end. */
  #isGone = false;
  #isHeardInPause = false;
  #deliver: ((item: Input | undefined) => void) | undefined;
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param readMsMax for each reply to be read by the client */
  constructor(socket: Socket, readMsMax: number) {
    this.socket = socket;
    this.#readMsMax = readMsMax;
    this.listen(socket);
  }

  listen(socket: Socket): void {
    this.socket = socket;
    socket.on('data', this.#onData).on('close', this.#onClose).on('end', this.#onEnd);
    // Behind a balancer it was paused for the header.
    if (socket.isPaused()) socket.resume();
  }

  /** Leaves the socket to somebody else. */
  release(): Socket {
    return this.socket.off('data', this.#onData).off('close', this.#onClose).off('end', this.#onEnd);
  }

  get isOpen(): boolean {
    return !this.socket.destroyed;
  }

  /** @returns undefined when the client has gone or was too slow */
  next(msMax: number): Promise<Input | undefined> {
    const item = this.input.next();
    const { promise, resolve } = Promise.withResolvers<Input | undefined>();
    if (item !== undefined || this.hasEnded || this.socket.destroyed || msMax <= 0) resolve(item);
    else {
      if (this.socket.isPaused()) this.socket.resume();
      this.#deliver = resolve;
      this.#timer = setTimeout(ClientWire.#tire, msMax, this);
    }
    return promise;
  }

  /** Resolves after `ms`, or at once when the client has gone. */
  wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#isGone) resolve();
    else {
      this.#wake = resolve;
      this.#timer = setTimeout(ClientWire.#tire, ms, this);
    }
    return promise;
  }

  /** The same, or when it talks: it should not yet. */
  async waitInSilence(ms: number): Promise<void> {
    this.#isHeardInPause = true;
    await this.wait(ms);
    this.#isHeardInPause = false;
  }

  /** Resolves when more may be said. */
  async say(reply: SmtpReply): Promise<void> {
    const text = encodeReply(reply);
    noteSaid(this.transcript, text);
    const { socket } = this;
    if (socket.destroyed || socket.write(text, 'latin1')) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => socket.destroy(), this.#readMsMax);
    socket.once('drain', resolve).once('close', resolve);
    await promise;
    clearTimeout(timer);
    socket.off('drain', resolve).off('close', resolve);
  }

  /** @param isAgreed after QUIT: nothing more is to come, and many clients reset the connection without reading the answer */
  close(isAgreed: boolean): void {
    const { socket } = this;
    if (socket.destroyed) return;
    if (isAgreed && this.input.waiting() === 0) {
      socket.destroySoon();
      return;
    }
    socket.end();
    setTimeout(() => socket.destroy(), closeMsMax).unref();
  }

  /** Where this thread itself was late, what has come in time is heard first: timers are looked at before sockets. */
  static #tire(this: void, wire: ClientWire): void {
    const timer = wire.#timer;
    setImmediate(() => {
      if (wire.#timer !== timer) return;
      wire.#endWait();
      wire.#handOver(undefined);
    });
  }

  #endWait(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    this.#wake = undefined;
    clearTimeout(this.#timer);
    wake();
  }

  #handOver(item: Input | undefined): void {
    const deliver = this.#deliver;
    if (deliver === undefined) return;
    this.#deliver = undefined;
    clearTimeout(this.#timer);
    deliver(item);
  }

  #arrive(): void {
    if (this.#deliver === undefined) return;
    const item = this.input.next();
    if (item !== undefined || this.hasEnded || this.socket.destroyed) this.#handOver(item);
  }

  #leaveAlone(): void {
    this.#isGone = true;
    this.#endWait();
  }

  readonly #onData = (bytes: Buffer): void => {
    this.input.feed(bytes);
    if (this.#isHeardInPause) this.#endWait();
    this.#arrive();
    if (this.#deliver === undefined && this.input.waiting() > aheadBytesMax) this.socket.pause();
  };

  readonly #onClose = (): void => {
    this.#leaveAlone();
    this.#arrive();
  };

  /** What it sent ahead is still answered, with the pauses that belong there. */
  readonly #onEnd = (): void => {
    this.hasEnded = true;
    if (this.input.waiting() === 0) this.#leaveAlone();
    this.#arrive();
  };
}
