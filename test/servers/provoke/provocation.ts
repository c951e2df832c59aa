/** A provocation makes a real server write about one thing, and says which facts its log must then tell. */
import type { Event } from '../../../src/model/event.ts';
import type { SmtpDialogue } from '../lab/dialogue.ts';
import type { Sink } from '../lab/sink.ts';

export type MailServerName = 'postfix' | 'exim' | 'sendmail';
export type DeliveryOutcome = 'sent' | 'deferred' | 'bounced';

/** Fields that an event of the log must have. `client` is the provocation's own unless it stands here. */
export type Fact = Partial<Event>;

/** One mail server in the lab, as a provocation meets it. */
export type Scene = {
  readonly server: MailServerName;
  readonly sink: Sink;
  readonly dial: (client: string, port: 25 | 587, early?: string) => Promise<SmtpDialogue>;
  /** `dial` and EHLO. */
  readonly greet: (client: string, port?: 25 | 587) => Promise<SmtpDialogue>;
  /** Hands a message to the sendmail command as the web server's user. */
  readonly runScript: (args: readonly string[], message: string) => Promise<void>;
  /** Resolves when the server has logged what became of a recipient. */
  readonly delivery: (recipient: string, outcome: DeliveryOutcome) => Promise<void>;
  /** Resolves when a line with this text is in the server's log. */
  readonly logged: (text: string) => Promise<void>;
};

export type Provocation = {
  /** What happens, in words; it must be unlike all others of the server. */
  readonly what: string;
  /** The address it comes from: each its own, so that its events are easily told from others. */
  readonly client: string;
  readonly provoke: (scene: Scene, client: string) => Promise<void>;
  readonly facts: readonly Fact[];
  /** Each fact at least so often (1). */
  readonly timesMin?: number;
  /** A server that tells it otherwise, or not at all, and why. */
  readonly but?: Partial<Record<MailServerName, { readonly why: string; readonly facts: readonly Fact[] }>>;
};

/** The web server's user on Debian, whose scripts send mail. */
export const webUser = { id: 33, name: 'www-data' } as const;

export const factsFor = (server: MailServerName, { facts, but = {} }: Provocation): readonly Fact[] =>
  but[server]?.facts ?? facts;
