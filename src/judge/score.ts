/** A client's score: the sum of what its detectors hold against it, each read from its own record (DETECTION B.1). */
import { networkOf } from '../model/address.ts';
import type { Term } from '../model/verdict.ts';
import type { DetectorName } from './detectors/detector.ts';
import { convictedIn } from './detectors/neighbours.ts';
import { tags } from './detectors/tags.ts';
import { convictionFrom, networkMargin } from './ladder.ts';
import { modeOf } from './settings.ts';
import type { JudgeSettings } from './settings.ts';
import { readRatio, readScore } from './statistics/ratio-test.ts';
import type { Table } from './statistics/table.ts';

type Part = { readonly detector: DetectorName; readonly tag: number; readonly cap: number };

/** Terms of one family are correlated, so protocol slips alone never convict (cap 5). */
const clientParts: readonly Part[] = [
  { detector: 'harvest', tag: tags.harvest, cap: Infinity },
  { detector: 'relay', tag: tags.relay, cap: Infinity },
  { detector: 'guessing', tag: tags.guessing, cap: Infinity },
  { detector: 'protocol-abuse', tag: tags.protocol, cap: 5 },
  // Put off (4xx), never convicted by this alone: our own resolver may be at fault.
  { detector: 'dns-storm', tag: tags.sender, cap: 9 },
];
const networkParts: readonly Part[] = [
  { detector: 'harvest', tag: tags.harvestNetwork, cap: Infinity },
  { detector: 'guessing', tag: tags.guessingNetwork, cap: Infinity },
];
export const clientTags: ReadonlySet<number> = new Set(clientParts.map((part) => part.tag));

const sumOf = (
  parts: readonly Part[],
  table: Table,
  subject: string,
  seconds: number,
  settings: JudgeSettings,
): number => {
  let sum = 0;
  for (const part of parts) {
    if (modeOf(settings, part.detector) !== 'enforce') continue;
    const score = readScore(table, part.tag, subject, seconds);
    if (score > 0) sum += Math.min(part.cap, score);
  }
  return sum;
};

/** The detector that holds most against the client: the one whose attack this is. */
export const mainDetector = (table: Table, prefix: string, seconds: number): DetectorName | undefined => {
  let main: DetectorName | undefined;
  let most = 0;
  for (const part of clientParts) {
    const score = Math.min(part.cap, readScore(table, part.tag, prefix, seconds));
    if (score <= most) continue;
    most = score;
    main = part.detector;
  }
  return main;
};

export const clientScore = (table: Table, prefix: string, seconds: number, settings: JudgeSettings): number =>
  sumOf(clientParts, table, prefix, seconds, settings);

export type NetworkScore = { readonly score: number; readonly convicted: number; readonly everGood: boolean };

export const networkScore = (table: Table, network: string, seconds: number, settings: JudgeSettings): NetworkScore => {
  const score = sumOf(networkParts, table, network, seconds, settings);
  if (score === 0) return { score, convicted: 0, everGood: false };
  return {
    score,
    convicted: convictedIn(table, network, seconds),
    everGood:
      readRatio(table, tags.harvestNetwork, network, seconds).good > 0 ||
      readRatio(table, tags.guessingNetwork, network, seconds).good > 0,
  };
};

/** The client or its network delivered mail to somebody, or logged in, before. */
export const wasEverGood = (table: Table, prefix: string, network: string, seconds: number): boolean =>
  readRatio(table, tags.harvest, prefix, seconds).good > 0 ||
  readRatio(table, tags.harvestNetwork, network, seconds).good > 0 ||
  readRatio(table, tags.guessingNetwork, network, seconds).good > 0;

/** Every part that speaks against the client now, in the form that `explain` and a verdict show. */
export const termsOf = (table: Table, client: string, prefix: string, seconds: number): readonly Term[] => {
  const network = networkOf(client);
  const read = (parts: readonly Part[], subject: string, threshold: number): Term[] =>
    parts.map((part) => ({
      detector: part.detector,
      subject,
      score: Math.min(part.cap, readScore(table, part.tag, subject, seconds)),
      threshold,
    }));
  return [
    ...read(clientParts, prefix, convictionFrom),
    ...read(networkParts, network, convictionFrom + networkMargin),
  ].filter((term) => term.score !== 0);
};
