/** From configuration values to what the judge wants. Plain data, so that every listener thread can make its own. */
import { createAddressSet } from '../model/address-set.ts';
import { detectorNames } from '../judge/detectors/detector.ts';
import type { JudgeSettings, Mode } from '../judge/settings.ts';
import { durationSeconds } from './settings.ts';
import type { Values } from './settings.ts';

export type JudgeChoice = {
  readonly mode: 'observe' | 'enforce';
  readonly learningUntil: number;
  readonly modes: readonly (readonly [string, unknown])[];
  readonly protect: readonly string[];
  readonly invalidPerHour: number;
  readonly overQuota: 'reject' | 'defer';
};

/** The administrator's own machine is never acted on. */
const alwaysProtected = ['127.0.0.1', '::1'];

/** @param startedSeconds when the guard was first started here, seconds since 1970 */
export const judgeChoice = (values: Values, startedSeconds: number): JudgeChoice => {
  const learning = durationSeconds(values.get('judge.learning')) ?? 0;
  const protect = values.get('protect');
  return {
    mode: values.get('judge.mode') === 'observe' ? 'observe' : 'enforce',
    learningUntil: learning === 0 ? 0 : startedSeconds + learning,
    modes: detectorNames.map((name) => [name, values.get(`judge.detectors.${name}`)] as const),
    overQuota: values.get('quota.reply') === 'defer' ? 'defer' : 'reject',
    protect: [...alwaysProtected, ...(Array.isArray(protect) ? protect.map((entry) => String(entry)) : [])],
    invalidPerHour: Number(values.get('accounts.invalidPerHour') ?? 0),
  };
};

const modeOf = (word: unknown): Mode => (word === 'observe' || word === 'off' ? word : 'enforce');

export const judgeSettings = (choice: JudgeChoice): JudgeSettings => {
  const protectedSet = createAddressSet(choice.protect);
  const words = new Map(choice.modes);
  return {
    mode: choice.mode,
    learningUntil: choice.learningUntil,
    detectors: new Map(detectorNames.map((name) => [name, modeOf(words.get(name))])),
    invalidPerHour: choice.invalidPerHour,
    overQuota: choice.overQuota,
    isProtected: (client) => protectedSet.has(client),
  };
};
