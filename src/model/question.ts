/** Question: what a live hook asks at a stage of the SMTP dialogue (DESIGN §3). */
import type { ServerName } from './event.ts';

const stages = ['connect', 'helo', 'auth', 'sender', 'recipient', 'data', 'message', 'etrn'] as const;
export type Stage = (typeof stages)[number];

export type Question = {
  /** Milliseconds since 1970-01-01 UTC, stamped by the hook. */
  readonly time: number;
  readonly server: ServerName;
  readonly stage: Stage;
  /** Canonical address text; undefined when the hook did not say. */
  readonly client: string | undefined;
  readonly helo: string | undefined;
  /** Authenticated login; undefined when not authenticated (never ''). */
  readonly account: string | undefined;
  /** '' is the null reverse-path. */
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
  /** Other recipients of this transaction that were asked about before, when the server accepted at least one of them. */
  readonly recipientsBefore?: number;
  /** A bounce to an address that we signed: it answers mail that was sent here. */
  readonly isAnswer?: boolean;
  /** Bytes, as MAIL promised (RFC 1870); undefined when it did not. */
  readonly size?: number | undefined;
};
