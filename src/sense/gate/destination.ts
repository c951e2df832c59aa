/** Where a session's mail goes: the real server behind the gate, or the embedded store. One link serves one session at a time. */
import type { Buffer } from 'node:buffer';
import type { Parameters } from '../../protocols/smtp/command.ts';
import type { SmtpReply } from '../../protocols/smtp/reply.ts';

/** What the real server must be told of the client. */
export type Peer = {
  readonly address: string;
  readonly port: number;
  readonly helo: string;
  readonly esmtp: boolean;
  readonly tls: boolean;
};

/** What MAIL or RCPT says. */
export type Addressed = { readonly path: string; readonly parameters: Parameters };

export type Link = {
  /** Passes AUTH through; `ask` puts a challenge to the client and gives its answer. */
  readonly auth: (line: string, ask: (challenge: SmtpReply) => Promise<string>) => Promise<SmtpReply>;
  /** MAIL and the first RCPT. @returns the reply to this one, or to MAIL when that was refused: then nothing has begun */
  readonly begin: (mail: Addressed, rcpt: Addressed) => Promise<{ readonly heard: SmtpReply; readonly begun: boolean }>;
  readonly rcpt: (rcpt: Addressed) => Promise<SmtpReply>;
  /** Begins the content: 354, or why not. */
  readonly data: () => Promise<SmtpReply>;
  /** Resolves when more may come. */
  readonly content: (bytes: Buffer) => Promise<void>;
  /** The message is whole: only a 2xx from here may be told to the client as one. */
  readonly finish: () => Promise<SmtpReply>;
  /** Drops a message that is under way; nothing of it is kept or sent on. */
  readonly abort: () => void;
  readonly reset: () => Promise<void>;
  /** The session is over. */
  readonly close: () => void;
};

export type Destination = {
  /** EHLO keywords that hold behind the gate, with their parameters: `SIZE 10240000`, `AUTH PLAIN LOGIN`. */
  readonly keywords: () => Promise<readonly string[]>;
  /** @throws when it cannot be reached: the client is told to come back */
  readonly open: (peer: Peer) => Promise<Link>;
  readonly stop: () => Promise<void>;
};
