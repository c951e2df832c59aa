/**
 * Event: one fact about mail traffic, with its own time, whichever server told it.
 *
 * Text fields hold what the log or the wire held, byte for byte, as latin1 ("binary") strings: a log is bytes, and
 * decoding it early would make two different byte strings equal. `show/` and the CLI decode to UTF-8 when they print.
 */
export const serverNames = ['postfix', 'exim', 'sendmail', 'dovecot', 'exchange', 'gate'] as const;
export type ServerName = (typeof serverNames)[number];

export const eventKinds = [
  'connect',
  'early-talk',
  'helo',
  'tls',
  'auth',
  'sender',
  'recipient',
  'command-error',
  'reset',
  'limit',
  'message',
  'delivery',
  'queue',
  'disconnect',
  'other',
] as const;
export type EventKind = (typeof eventKinds)[number];

/** `auth`: success, failure. `recipient`: accepted … deferred. `sender`: accepted, rejected, deferred. `delivery`: sent … expired. */
export const outcomes = [
  'success',
  'failure',
  'accepted',
  'unknown',
  'relay-denied',
  'over-quota',
  'rejected',
  'deferred',
  'sent',
  'bounced',
  'expired',
] as const;
export type Outcome = (typeof outcomes)[number];

/** What the server spoke when the fact happened. `smtp` is port 25, `submission` 587 and 465, `local` the sendmail command. */
export const protocols = ['smtp', 'submission', 'imap', 'pop3', 'lmtp', 'sieve', 'local'] as const;
export type Protocol = (typeof protocols)[number];

/** The detail of a fact that a detector weighs; the words are one list so that a typo does not compile. */
export const reasons = [
  // auth failure
  'unknown-account',
  'bad-password',
  'malformed',
  'aborted',
  'disabled',
  // the postmaster said that nobody logs in with it
  'never-logs-in',
  'no-tls',
  'policy',
  // command-error
  'unknown-command',
  'pipelining',
  'non-smtp',
  'too-many-errors',
  'syntax',
  'bare-newline',
  'nonmail',
  'no-mail',
  // recipient or sender refused, not for being unknown
  'blocklist',
  'helo',
  'greylist',
  'dns',
  'size',
  // other: a message refused for what it holds
  'content',
  // limit
  'connection-rate',
  'concurrency',
  'recipients',
  'auth-rate',
  'message-rate',
  'recipient-rate',
  // message, delivery and queue: this is a bounce (DSN) that our server made
  'bounce',
  // message: it has come back again and again from where `origin` sent it on (`recipient`; the same: it names itself)
  'loop',
  // queue
  'hold',
  'frozen',
  'removed',
] as const;
export type Reason = (typeof reasons)[number];

/** Begins the `text` of a `message` event whose server told where the command stood that handed it in. */
export const directoryMark = 'cwd=';

export type Event = {
  /** Milliseconds since 1970-01-01 UTC, the event's own time. */
  readonly time: number;
  readonly server: ServerName;
  readonly kind: EventKind;
  readonly outcome: Outcome | undefined;
  /** Canonical text of the client's address (`model/address.ts`), never a host name. */
  readonly client: string | undefined;
  /** Login name as authenticated or as tried. */
  readonly account: string | undefined;
  /** Reverse-path without brackets; '' is the null reverse-path `<>` (RFC 5321 §4.5.5); undefined: not told. */
  readonly sender: string | undefined;
  readonly recipient: string | undefined;
  readonly queueId: string | undefined;
  /** What joins the lines of one session: `smtpd:1234`, a Dovecot session id, … Unique only while the session lives. */
  readonly session: string | undefined;
  /** The server's own words, where no other field holds them. */
  readonly text: string | undefined;
  readonly helo: string | undefined;
  /** Local user (uid or login) that handed the message in through the sendmail command. */
  readonly user: string | undefined;
  /** Recipient as it was before an alias or forward replaced it. */
  readonly origin: string | undefined;
  readonly protocol: Protocol | undefined;
  readonly reason: Reason | undefined;
  /** Enhanced status code (RFC 3463), `5.1.1`; of a delivery or a refusal. */
  readonly dsn: string | undefined;
  /** Hash of the tried password as the server logged it (Dovecot `auth_verbose_passwords=sha1:N`); never a password. */
  readonly password: string | undefined;
  /** delivery: true when handed to another host (not a local mailbox). */
  readonly remote: boolean | undefined;
  /** message: recipients; a summary line: for how many facts of its kind it stands. */
  readonly count: number | undefined;
  /** message: bytes. */
  readonly size: number | undefined;
};

/** What the judge may read: events from long logs come to it without the rest (`guard/aside/batch.ts`). */
export type JudgedEvent = Omit<Event, 'session' | 'text'>;

/** An event while a decoder fills it in. Made whole at once, so that all events share one hidden class. */
export type EventDraft = { -readonly [K in keyof Event]: Event[K] };

export const draftEvent = (time: number, server: ServerName, kind: EventKind): EventDraft => ({
  time,
  server,
  kind,
  outcome: undefined,
  client: undefined,
  account: undefined,
  sender: undefined,
  recipient: undefined,
  queueId: undefined,
  session: undefined,
  text: undefined,
  helo: undefined,
  user: undefined,
  origin: undefined,
  protocol: undefined,
  reason: undefined,
  dsn: undefined,
  password: undefined,
  remote: undefined,
  count: undefined,
  size: undefined,
});
