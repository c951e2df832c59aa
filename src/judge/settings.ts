/** What the judge may be told to do differently. Plain values: the guard reads them from the configuration. */
import { detectorNames } from './detectors/detector.ts';
import type { DetectorName } from './detectors/detector.ts';

export type Mode = 'observe' | 'enforce' | 'off';

export type JudgeSettings = {
  /** `observe`: every verdict is accept, the reasons are still given. */
  readonly mode: 'observe' | 'enforce';
  /** Until this time (seconds since 1970) verdicts go no further than delay and 4xx; 0: no learning. */
  readonly learningUntil: number;
  readonly detectors: ReadonlyMap<DetectorName, Mode>;
  /** So many recipients that do not exist within an hour hold an account, whatever else is known; 0: no such line. */
  readonly invalidPerHour: number;
  /** What is said of a full mailbox: 552 or 452. */
  readonly overQuota: 'reject' | 'defer';
  /** Never acted on: own addresses, configured networks, relay hosts, monitoring. */
  readonly isProtected: (client: string) => boolean;
};

export const defaultJudgeSettings: JudgeSettings = {
  mode: 'enforce',
  learningUntil: 0,
  detectors: new Map(detectorNames.map((name) => [name, 'enforce'])),
  invalidPerHour: 100,
  overQuota: 'reject',
  isProtected: (client) => client === '127.0.0.1' || client === '::1',
};

export const modeOf = (settings: JudgeSettings, detector: DetectorName): Mode =>
  settings.detectors.get(detector) ?? 'enforce';
