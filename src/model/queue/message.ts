/**
 * One message that waits in a mail server's queue, whichever server keeps it. Texts are latin1 ("binary") strings as in
 * `event.ts`. Queue names are the servers' own: Postfix's qmgr(8), Exim's frozen, Sendmail's quarantined and lost.
 */
import type { ServerName } from '../event.ts';
import { domainOf } from '../address.ts';

export const queueNames = [
  'incoming',
  'active',
  'deferred',
  'hold',
  'queued',
  'frozen',
  'quarantined',
  'lost',
] as const;
export type QueueName = (typeof queueNames)[number];

export type QueuedRecipient = {
  readonly address: string;
  /** Why it is still here, in the server's words. */
  readonly reason: string | undefined;
};

export type QueuedMessage = {
  readonly server: ServerName;
  readonly id: string;
  readonly queue: QueueName;
  /** The file that holds its envelope; '' when only a listing told of it. */
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly arrived: number;
  readonly sizeBytes: number | undefined;
  /** '' is the null reverse-path. */
  readonly sender: string;
  /** Those that still wait, at most `recipientsKeptMax` of them. */
  readonly recipients: readonly QueuedRecipient[];
  readonly recipientCount: number;
  readonly deliveredCount: number;
  readonly client: string | undefined;
  readonly helo: string | undefined;
  /** Login that handed it in over SMTP. */
  readonly account: string | undefined;
  /** Local user that handed it in through the sendmail command: login name, and number where the server tells it. */
  readonly user: string | undefined;
  readonly uid: number | undefined;
  /** X-PHP-Originating-Script or X-PHP-Script, where the message has one. */
  readonly script: string | undefined;
  readonly subject: string | undefined;
};

export const recipientsKeptMax = 1000;

const held = new Set<QueueName>(['hold', 'frozen', 'quarantined']);
/** Nothing is delivered of it until somebody lets it go. */
export const isHeldInQueue = ({ queue }: QueuedMessage): boolean => held.has(queue);

/** Who relays through us without a login: a client that is neither an account nor a local user. */
export const relayHostOf = ({ client, account, user, uid }: QueuedMessage): string | undefined =>
  account === undefined && user === undefined && uid === undefined ? client : undefined;

const localPartOf = (address: string): string => {
  const at = address.lastIndexOf('@');
  const local = (at < 0 ? address : address.slice(0, at)).toLowerCase();
  const plus = local.indexOf('+');
  return plus > 0 ? local.slice(0, plus) : local;
};

/** The sender is not the one who handed it in; unknown (false) when nobody is named. A null sender is no forgery. */
export const isForged = (message: QueuedMessage): boolean => {
  const owner = message.account ?? message.user;
  if (owner === undefined || message.sender === '') return false;
  if (localPartOf(owner) !== localPartOf(message.sender)) return true;
  return owner.includes('@') && domainOf(owner) !== domainOf(message.sender);
};

/** The message's own reason: that of its first recipient that has one. */
export const reasonOf = ({ recipients }: QueuedMessage): string | undefined =>
  recipients.find(({ reason }) => reason !== undefined)?.reason;

/** What a reader of queue files makes of one: the message, or why it is none. */
export type ReadMessage =
  | { readonly kind: 'message'; readonly message: QueuedMessage }
  | { readonly kind: 'damaged'; readonly why: string };

/** Bytes of a file from an offset, as latin1; shorter at its end. */
export type ReadAt = (offset: number, lengthBytes: number) => string;

/** What of a message's own headers tells where it came from. Only whoever ran the script is hurt by a false one. */
const scriptHeader = /^X-PHP-(?:Originating-)?Script:[ \t]*(\S.{0,250})/i;
const subjectHeader = /^Subject:[ \t]*(.{0,250})/i;

export type OriginHeaders = { script: string | undefined; subject: string | undefined };
export const noteHeader = (headers: OriginHeaders, line: string): void => {
  const first = line.charCodeAt(0) | 32;
  if (first === 120) headers.script ??= scriptHeader.exec(line)?.[1]?.trimEnd();
  else if (first === 115) headers.subject ??= subjectHeader.exec(line)?.[1]?.trimEnd();
};
