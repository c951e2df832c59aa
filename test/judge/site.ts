/** A mail server with the judge in front of it, for attacks and honest senders that are played against it with seeded dice. */
import assert from 'node:assert/strict';
import { createJudge } from '../../src/judge/judge.ts';
import { createMemory, memoryBytesMin } from '../../src/judge/memory.ts';
import { defaultJudgeSettings } from '../../src/judge/settings.ts';
import { createAsk } from '../../src/judge/verdict.ts';
import { draftEvent } from '../../src/model/event.ts';
import type { Event, EventDraft, EventKind } from '../../src/model/event.ts';
import type { Question, Stage } from '../../src/model/question.ts';
import type { Incident } from '../../src/model/report.ts';
import type { VerdictKind } from '../../src/model/verdict.ts';

export const start = Date.UTC(2026, 10, 21);
export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** Every run of a test sees the same numbers. */
export const dice = (seed: number): (() => number) => {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
};
export const fact = (time: number, kind: EventKind, fields: Partial<EventDraft>): Event => ({
  ...draftEvent(time, 'postfix', kind),
  ...fields,
});

type Answer = 'hidden' | 'unknown' | 'accepted';

/** What a recipient or a login gets for an answer. */
export const site = () => {
  const memory = createMemory(new SharedArrayBuffer(16 * memoryBytesMin), 7);
  const judge = createJudge(memory, defaultJudgeSettings);
  const ask = createAsk(memory.table, defaultJudgeSettings);
  const said = (time: number, stage: Stage, fields: Partial<Question>): VerdictKind =>
    ask({
      time,
      server: 'postfix',
      stage,
      client: undefined,
      helo: undefined,
      account: undefined,
      sender: undefined,
      recipient: undefined,
      ...fields,
    }).kind;
  return {
    judge,
    recipient: (time: number, client: string, recipient: string, exists: boolean, sender = 's@remote.test'): Answer => {
      const kind = said(time, 'recipient', { client, sender, recipient });
      const refused = kind !== 'accept' && kind !== 'delay';
      const outcome = refused ? (kind === 'reject' ? 'rejected' : 'deferred') : exists ? 'accepted' : 'unknown';
      judge.tell(fact(time, 'recipient', { client, recipient, sender, outcome }));
      return refused ? 'hidden' : exists ? 'accepted' : 'unknown';
    },
    /** True when the password was looked at. */
    login: (time: number, client: string, account: string, fields: Partial<EventDraft> = {}): boolean => {
      const kind = said(time, 'auth', { client });
      const stepUp = said(time, 'auth', { client, account });
      const refused = (kind !== 'accept' && kind !== 'delay') || stepUp === 'defer';
      judge.tell(
        fact(time, 'auth', {
          client,
          account,
          outcome: 'failure',
          ...fields,
          ...(refused ? { reason: 'policy', outcome: 'failure' } : {}),
        }),
      );
      return !refused;
    },
    /** Mail of an account; false when it would be held. */
    send: (time: number, client: string, account: string, recipient: string, bad: boolean): boolean => {
      const mail = { client, account, sender: account, recipient } as const;
      if (said(time, 'recipient', mail) === 'hold') return false;
      judge.tell(fact(time, 'message', { ...mail, count: 1 }));
      judge.tell(
        fact(time + second, 'delivery', {
          ...mail,
          remote: true,
          outcome: bad ? 'bounced' : 'sent',
          dsn: bad ? '5.1.1' : '2.0.0',
        }),
      );
      return true;
    },
    incidents: (attack: Incident['attack']): readonly Incident[] =>
      judge.report().incidents.filter((incident) => incident.attack === attack),
  };
};
export type Site = ReturnType<typeof site>;

export const only = (incidents: readonly Incident[]): Incident => {
  assert.equal(incidents.length, 1, incidents.map(({ why }) => why).join('; '));
  const [incident] = incidents;
  assert.ok(incident !== undefined);
  return incident;
};
