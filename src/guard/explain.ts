/** Replays logs with an eye on one subject: an address, an account or a domain. */
import { canonicalAddress, domainOf, networkOf, prefixOf } from '../model/address.ts';
import type { Event } from '../model/event.ts';
import type { Explanation, HistoryItem } from '../model/explanation.ts';
import type { Incident } from '../model/report.ts';
import type { Term } from '../model/verdict.ts';
import { isHeld } from '../judge/detectors/compromised-account.ts';
import { tags } from '../judge/detectors/tags.ts';
import { createJudge } from '../judge/judge.ts';
import { convictionFrom } from '../judge/ladder.ts';
import { termsOf } from '../judge/score.ts';
import { defaultJudgeSettings } from '../judge/settings.ts';
import { readScore } from '../judge/statistics/ratio-test.ts';
import { readAside } from './aside/read-aside.ts';
import type { ReadOptions } from './read-logs.ts';
import { replayMemory } from './replay-memory.ts';

const historyMax = 200;

const namesIt = (event: Event, kind: Explanation['kind'], subject: string): boolean => {
  if (kind === 'client') return event.client !== undefined && prefixOf(event.client) === subject;
  if (kind === 'account') return event.account?.toLowerCase() === subject;
  return domainOf(event.recipient ?? '') === subject || domainOf(event.sender ?? '') === subject;
};

const isIn = (incident: Incident, subject: string): boolean =>
  incident.actors.some((actor) => actor.value === subject) ||
  incident.targets.some((target) => target.value === subject);

/** An address by its form; an account when a login or an `@`; else a domain. */
const kindOf = (text: string): Explanation['kind'] => {
  if (canonicalAddress(text) !== undefined) return 'client';
  return text.includes('@') || !text.includes('.') ? 'account' : 'domain';
};

export const explain = async (text: string, options: ReadOptions): Promise<Explanation> => {
  const kind = kindOf(text);
  const client = kind === 'client' ? (canonicalAddress(text) ?? text) : undefined;
  const subject = client === undefined ? text.toLowerCase() : prefixOf(client);
  const around = client === undefined ? undefined : networkOf(client);
  const memory = replayMemory();
  let history: HistoryItem[] = [];
  let events = 0;
  let first: number | undefined;
  let last: number | undefined;
  let latest = 0;
  const judge = createJudge(memory, defaultJudgeSettings, {
    weighed: ({ subject: weighed, time, detector, words, nats, score }) => {
      if (weighed !== subject && weighed !== around) return;
      const told = weighed === subject ? words : `its network ${weighed}: ${words}`;
      history.push({ time, detector, words: told, nats, score });
      if (history.length > 2 * historyMax) history = history.slice(-historyMax);
    },
  });
  await readAside(options, (event) => {
    latest = Math.max(latest, event.time);
    judge.tell(event);
    if (!namesIt(event, kind, subject)) return;
    events++;
    first ??= event.time;
    last = event.time;
  });
  const seconds = Math.floor(latest / 1000);
  const accountTerm = (): readonly Term[] => [
    {
      detector: 'compromised-account',
      subject,
      score: readScore(memory.table, tags.accountRecipients, subject, seconds),
      threshold: convictionFrom,
    },
  ];
  return {
    subject,
    kind,
    standing:
      client !== undefined ? judge.standingOf(subject) : isHeld(memory.table, subject, seconds) ? 'hostile' : 'unknown',
    events,
    first,
    last,
    terms:
      client !== undefined ? termsOf(memory.table, client, subject, seconds) : kind === 'account' ? accountTerm() : [],
    history: history.slice(-historyMax),
    incidents: judge.report().incidents.filter((incident) => isIn(incident, subject)),
  };
};
