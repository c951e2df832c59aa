/** D6: one client or network guesses passwords. Ratio test over first (client, account) outcomes (DETECTION B.7). */
import { exceeds } from '../statistics/rate.ts';
import type { Allowance } from '../statistics/rate.ts';
import { readRatio } from '../statistics/ratio-test.ts';
import type { RatioLimits } from '../statistics/ratio-test.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { serverAim } from './detector.ts';
import type { Login } from './login.ts';
import { tags } from './tags.ts';

const natsSuccess = -3.4;
/** ln(.8/.01): honest people rarely try accounts that do not exist. */
const natsNoAccount = 4.4;
/** The postmaster said that nobody logs in with this name: one try is a proof (ladder.ts, conviction). */
const natsNeverLogsIn = 11.5;
const natsNewPair = 2.0;
/** While we do not know yet who usually comes from where. */
const natsNewPairLearning = 0.7;
const limits: RatioLimits = { floor: -8, floorEstablished: -20 };
/** One client alone does not taint its neighbours: only its first failures count for the network. */
const perClientMax = 2;
/** A log without account names shows only speed; no phone tries this fast. */
const nameless: Allowance = { perHour: 300, burst: 10 };
const natsNameless = 2.0;

const natsOf = (facts: Facts, login: Login, learning: boolean): number => {
  if (login.success) return natsSuccess;
  if (login.known || !login.first) return 0;
  if (facts.event.reason === 'never-logs-in') return natsNeverLogsIn;
  if (facts.event.reason === 'unknown-account') return natsNoAccount;
  if (login.account === undefined) return 0;
  return learning ? natsNewPairLearning : natsNewPair;
};

const wordsOf = (facts: Facts, login: Login): string => {
  const account = login.account ?? '(name not logged)';
  if (login.success) return `logged in as ${account}`;
  if (facts.event.reason === 'never-logs-in') return `tried ${account}, which never logs in`;
  return facts.event.reason === 'unknown-account' ? `tried ${account}, which does not exist` : `failed as ${account}`;
};

const namelessNats = (facts: Facts, bench: Bench, login: Login, prefix: string): number => {
  if (login.success || login.account !== undefined) return 0;
  const events = facts.event.count ?? 1;
  return exceeds(bench.table, tags.namelessFailures, prefix, facts.seconds, nameless, events) ? natsNameless : 0;
};

/** @param isLearning whether the first weeks' milder term applies at this time */
export const guessingDetector = (isLearning: (seconds: number) => boolean): Detector => ({
  name: 'guessing',
  attack: 'password-guessing',
  sentence: 'one client or network guesses passwords',
  listensTo: ['auth'],
  observe: (facts, bench) => {
    const { login, prefix, network, event, seconds } = facts;
    if (login === undefined || prefix === undefined || network === undefined) return;
    if (!login.success && !login.known) {
      bench.note(facts, {
        attack: 'password-guessing',
        target: serverAim(event),
        actor: { kind: 'client', value: prefix },
        detail: login.account === undefined ? undefined : { kind: 'account', value: login.account },
        count: 'authFailures',
        events: event.count ?? 1,
      });
    }
    const nats = natsOf(facts, login, isLearning(seconds)) + namelessNats(facts, bench, login, prefix);
    if (nats === 0) return;
    const words = wordsOf(facts, login);
    bench.weigh(facts, { detector: 'guessing', tag: tags.guessing, subject: prefix, nats, limits, words });
    if (nats > 0 && readRatio(bench.table, tags.guessing, prefix, seconds).bad > perClientMax) return;
    bench.weigh(facts, { detector: 'guessing', tag: tags.guessingNetwork, subject: network, nats, limits, words });
  },
});
