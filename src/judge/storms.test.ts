/** What a server does before it asks: names that Sendmail looks up, connections, lookups of sender domains. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../model/event.ts';
import type { Event, EventDraft, EventKind, ServerName } from '../model/event.ts';
import type { Question, Stage } from '../model/question.ts';
import { createJudge } from './judge.ts';
import { createMemory, memoryBytesMin } from './memory.ts';
import { defaultJudgeSettings } from './settings.ts';
import { createAsk } from './verdict.ts';

const start = Date.UTC(2026, 10, 21);
const minute = 60_000;

const court = (settings = defaultJudgeSettings) => {
  const memory = createMemory(new SharedArrayBuffer(4 * memoryBytesMin), 7);
  const judge = createJudge(memory, settings);
  return { judge, ask: createAsk(memory.table, settings) };
};
const fact = (time: number, server: ServerName, kind: EventKind, fields: Partial<EventDraft>): Event => ({
  ...draftEvent(time, server, kind),
  ...fields,
});
const question = (time: number, server: ServerName, stage: Stage, client: string): Question => ({
  time,
  server,
  stage,
  client,
  helo: 'client.test',
  account: undefined,
  sender: stage === 'connect' ? undefined : 's@remote.test',
  recipient: stage === 'recipient' ? 'alice@lab.test' : undefined,
});

test('a campaign at Sendmail: newcomers wait at MAIL, before a name is said; elsewhere at RCPT', () => {
  for (const server of ['sendmail', 'postfix'] as const) {
    const { judge, ask } = court();
    for (let probe = 0; probe < 20; probe++)
      judge.tell(
        fact(start + probe, server, 'recipient', {
          client: `20.${probe}.7.9`,
          outcome: 'unknown',
          sender: 's@remote.test',
          recipient: `x${probe}@lab.test`,
        }),
      );
    const kindAt = (stage: Stage, time: number) => ask(question(time, server, stage, '31.1.1.1')).kind;
    const isSendmail = server === 'sendmail';
    assert.equal(kindAt('sender', start + minute), isSendmail ? 'defer' : 'accept');
    assert.equal(kindAt('recipient', start + minute), 'defer');
    const putOff = isSendmail
      ? fact(start + minute, server, 'sender', {})
      : fact(start + minute, server, 'recipient', {});
    judge.tell({
      ...putOff,
      client: '31.1.1.1',
      outcome: 'deferred',
      recipient: isSendmail ? undefined : 'alice@lab.test',
    });
    assert.equal(kindAt('sender', start + 5 * minute), isSendmail ? 'defer' : 'accept', 'too soon');
    assert.equal(kindAt('sender', start + 7 * minute), 'accept', 'who comes back has a queue');
    assert.equal(kindAt('recipient', start + 7 * minute), 'accept');
  }
});
