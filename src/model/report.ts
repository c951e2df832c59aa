/**
 * What `postern analyze` says: one document (DESIGN §7, version 1). Times are milliseconds here; the CLI prints ISO 8601
 * with offset. Lists are sorted, most events first.
 */
import type { AttackName } from './attack.ts';
import type { ServerName } from './event.ts';
import type { Standing } from './standing.ts';

export type ActorKind = 'client' | 'network' | 'account' | 'user' | 'relay-host' | 'campaign';
export type TargetKind = 'recipient-domain' | 'recipient' | 'account' | 'server' | 'sender-domain';

export type Actor = {
  readonly kind: ActorKind;
  readonly value: string;
  readonly events: number;
  readonly first: number;
  readonly last: number;
};
/** What an attacker says whichever address it comes from: `EHLO ylmf-pc`, `from <@spam#.example>`; `#` stands for any number. */
export type Habit = { readonly value: string; readonly events: number };
export type Target = { readonly kind: TargetKind; readonly value: string; readonly events: number };

/** What of an incident is counted. */
export type CountName =
  | 'unknownRecipients'
  | 'relayDenied'
  | 'authFailures'
  | 'protocolErrors'
  | 'bounces'
  | 'invalidRecipients'
  | 'spamVerdicts'
  | 'recipients'
  | 'bounced'
  | 'aliasLoops'
  | 'loopReturns'
  | 'refusedNewcomers'
  | 'missingSenderDomains'
  | 'refusedConnections'
  | 'excessConnections';

export type Incident = {
  readonly id: string;
  readonly attack: AttackName;
  readonly standing: Standing;
  /** First event, recognition, last event; closed is undefined while it may still grow. */
  readonly opened: number;
  readonly recognised: number;
  readonly last: number;
  readonly closed: number | undefined;
  readonly distributed: boolean;
  readonly eventsBeforeRecognition: number;
  /** At most `actorsMax` of the judge's settings are kept one by one; actorCount counts all. */
  readonly actors: readonly Actor[];
  readonly actorCount: number;
  readonly targets: readonly Target[];
  /** How many of what: unknownRecipients, relayDenied, authFailures, … */
  readonly counts: Readonly<Record<string, number>>;
  /** What most of them say, the commonest first; undefined in what an earlier version kept. */
  readonly habits?: readonly Habit[];
  /** How it was recognised, with the numbers, in one sentence. */
  readonly why: string;
  /** Where it would be stopped and after how many events, then what the postmaster can do; a sentence each. */
  readonly advice: readonly string[];
  /** Id of an earlier incident that behaved alike (same campaign), if one is remembered. */
  readonly campaign: string | undefined;
};

export type Offender = {
  readonly client: string;
  readonly network: string;
  readonly events: number;
  readonly unknownRecipients: number;
  readonly relayDenied: number;
  readonly authFailures: number;
  readonly protocolErrors: number;
  readonly first: number;
  readonly last: number;
  readonly standing: Standing;
};
/** The same figures summed over a network (/24 or /48). */
export type OffendingNetwork = Omit<Offender, 'client'> & { readonly clients: number };

export type AccountReport = {
  readonly account: string;
  readonly messages: number;
  readonly recipients: number;
  readonly invalidRecipients: number;
  /** Distinct client addresses that used it successfully. */
  readonly clients: number;
  readonly authFailures: number;
  readonly standing: Standing;
};
export type DomainReport = {
  readonly domain: string;
  readonly events: number;
  readonly accepted: number;
  readonly unknownRecipients: number;
  readonly bounces: number;
};
/** Who sends: account, local user, relay host or forward, with what became of it. */
export type SenderReport = {
  readonly kind: 'account' | 'user' | 'relay-host' | 'forward';
  readonly value: string;
  readonly messages: number;
  readonly recipients: number;
  readonly bounced: number;
};

export type FileReport = {
  readonly path: string;
  /** `syslog`, `exim`, `dovecot`, `exchange-smtp`, `journal-json`, … or `unknown`. */
  readonly format: string;
  readonly servers: readonly ServerName[];
  readonly lines: number;
  readonly events: number;
  /** Lines of a mail server's own programs that no rule knew, and lines that are no log line at all. */
  readonly unmatched: number;
  readonly bytes: number;
  /** What went wrong while reading: a cut gzip, a line too long; undefined when nothing did. */
  readonly problem: string | undefined;
};

export type Report = {
  readonly version: 1;
  readonly input: {
    readonly from: number | undefined;
    readonly to: number | undefined;
    readonly lines: number;
    readonly events: number;
    readonly unmatched: number;
    readonly bytes: number;
    readonly files: readonly FileReport[];
  };
  readonly incidents: readonly Incident[];
  readonly offenders: readonly Offender[];
  readonly networks: readonly OffendingNetwork[];
  readonly accounts: readonly AccountReport[];
  readonly domains: readonly DomainReport[];
  readonly senders: readonly SenderReport[];
};
