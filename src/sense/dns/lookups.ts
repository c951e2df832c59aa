/**
 * Between the gate and the DNS: what was answered is remembered for as long as it holds, "no" as well as "yes"; a question that
 * is under way is not asked again; no flood makes more than so many a minute; and a resolver that fails is left alone for a
 * while. Whoever cannot be answered hears `unknown`, at once.
 */
import type { DnsType } from '../../protocols/dns/message.ts';
import type { DnsAnswer, Resolve } from './resolver.ts';

const answersMax = 50_000;
const ttlSecondsMin = 5;
/** RFC 2308 §5: a few hours for "no" at most; and no list entry is believed for longer. */
const ttlSecondsMax = 3 * 3600;
/** RFC 2308 §7.1: a failure may be remembered for five minutes. */
const unknownMs = 30_000;
const underWayMax = 200;
const failuresMax = 5;
const restMs = 30_000;
const minuteMs = 60_000;

const unknown: DnsAnswer = { kind: 'unknown' };

const lifeMs = (answer: DnsAnswer): number =>
  answer.kind === 'unknown'
    ? unknownMs
    : Math.min(ttlSecondsMax, Math.max(ttlSecondsMin, answer.ttlSeconds ?? ttlSecondsMin)) * 1000;

/** @param perMinuteMax questions that go out */
export const createLookups = (resolve: Resolve, perMinuteMax: number, now: () => number = Date.now): Resolve => {
  const answers = new Map<string, { readonly answer: DnsAnswer; readonly until: number }>();
  const underWay = new Map<string, Promise<DnsAnswer>>();
  let minute = 0;
  let asked = 0;
  let failures = 0;
  /** 0: it is well, as far as anybody knows. */
  let restUntil = 0;
  let isTried = false;

  const remember = (key: string, answer: DnsAnswer): void => {
    answers.delete(key);
    if (answers.size >= answersMax)
      for (const oldest of answers.keys()) {
        answers.delete(oldest);
        break;
      }
    answers.set(key, { answer, until: now() + lifeMs(answer) });
  };
  /** Is it the resolver, or an attacker's names whose own servers are silent? The root is always known. Nobody waits for this. */
  const tryRoot = async (): Promise<void> => {
    if (isTried) return;
    isTried = true;
    asked++;
    const isWell = (await resolve('', 'A')).kind !== 'unknown';
    failures = 0;
    restUntil = isWell ? 0 : now() + restMs;
    isTried = false;
  };
  const mayAsk = (): boolean => {
    const time = now();
    const current = Math.floor(time / minuteMs);
    if (current !== minute) [minute, asked] = [current, 0];
    if (restUntil === 0) return underWay.size < underWayMax && asked < perMinuteMax;
    if (time >= restUntil) void tryRoot();
    return false;
  };
  const ask = async (key: string, name: string, type: DnsType): Promise<DnsAnswer> => {
    asked++;
    const answer = await resolve(name, type);
    failures = answer.kind === 'unknown' ? failures + 1 : 0;
    if (failures >= failuresMax) void tryRoot();
    remember(key, answer);
    underWay.delete(key);
    return answer;
  };

  return (text, type) => {
    const name = text.toLowerCase();
    const key = `${type} ${name}`;
    const known = answers.get(key);
    if (known !== undefined && known.until > now()) return Promise.resolve(known.answer);
    const running = underWay.get(key);
    if (running !== undefined) return running;
    if (!mayAsk()) return Promise.resolve(unknown);
    const answer = ask(key, name, type);
    underWay.set(key, answer);
    return answer;
  };
};
