/**
 * What a detector is, and the bench it works at. A detector is told facts (one event, with what it means worked out
 * once), keeps its statistics on the bench's table, and says three things: a term of a client's score (`weigh`), a piece
 * of evidence (`note`), and that it recognises an attack (`accuse`). It does not know standing, verdicts or incidents.
 */
import type { AttackName } from '../../model/attack.ts';
import type { JudgedEvent } from '../../model/event.ts';
import type { ActorKind, CountName, TargetKind } from '../../model/report.ts';
import type { FirstContacts } from '../statistics/first-contacts.ts';
import type { RatioLimits } from '../statistics/ratio-test.ts';
import type { Table } from '../statistics/table.ts';
import type { Contact } from './contact.ts';
import type { Login } from './login.ts';

export type Facts = {
  readonly event: JudgedEvent;
  readonly seconds: number;
  /** IPv4 address or IPv6 /64; undefined when the event names no client. */
  readonly prefix: string | undefined;
  /** IPv4 /24 or IPv6 /48 around the client. */
  readonly network: string | undefined;
  readonly contact: Contact | undefined;
  readonly login: Login | undefined;
};

export const detectorNames = [
  'harvest',
  'harvest-crowd',
  'trap',
  'backscatter',
  'relay',
  'guessing',
  'account-siege',
  'guessing-crowd',
  'spray',
  'compromised-account',
  'local-flood',
  'forward-loop',
  'protocol-abuse',
  'connection-flood',
  'dns-storm',
] as const;
export type DetectorName = (typeof detectorNames)[number];

export type Subject = { readonly kind: ActorKind; readonly value: string };
export type Aim = { readonly kind: TargetKind; readonly value: string };

/** A piece of evidence: one bad event, filed under its attack and the target that names the incident. */
export type Note = {
  readonly attack: AttackName;
  /** Incidents are kept by attack and target: everything against one target is one incident. */
  readonly target: Aim;
  readonly actor: Subject | undefined;
  /** A finer target inside it (the recipient, the account), for the report. */
  readonly detail: Aim | undefined;
  readonly count: CountName;
  readonly events: number;
};

export type Accusation = {
  readonly detector: DetectorName;
  readonly attack: AttackName;
  readonly target: Aim;
  /** undefined: the actors are those in the evidence who were never good (a crowd), or nobody (backscatter). */
  readonly actor: Subject | undefined;
  readonly crowd: boolean;
  /** The actor is turned away for its load, without a conviction. */
  readonly forLoad?: true;
  /** One sentence with the numbers. */
  readonly why: string;
};

export type Bench = {
  readonly table: Table;
  readonly firsts: FirstContacts;
  /** Adds a term to a client's score with this detector and judges the sum. Returns the detector's score. */
  readonly weigh: (facts: Facts, term: WeighedTerm) => number;
  readonly note: (facts: Facts, note: Note) => void;
  readonly accuse: (facts: Facts, accusation: Accusation) => void;
  /** The client or its network was ever good to us (mail accepted, login succeeded). */
  readonly everGood: (facts: Facts) => boolean;
};

export type WeighedTerm = {
  readonly detector: DetectorName;
  readonly tag: number;
  readonly subject: string;
  readonly nats: number;
  readonly limits: RatioLimits;
  readonly start?: number;
  /** What happened, in words, for `explain`. */
  readonly words: string;
};

export type Detector = {
  readonly name: DetectorName;
  readonly attack: AttackName;
  /** What it watches, one sentence. */
  readonly sentence: string;
  readonly listensTo: readonly JudgedEvent['kind'][];
  readonly observe: (facts: Facts, bench: Bench) => void;
};

export const serverAim = (event: JudgedEvent): Aim => ({ kind: 'server', value: event.server });
