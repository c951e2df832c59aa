import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { draftEvent } from '../model/event.ts';
import type { Question } from '../model/question.ts';
import { forgetRoom, roomsIn, sayRoom } from './detectors/mailbox-room.ts';
import { createJudge } from './judge.ts';
import type { IncidentChange } from './incidents.ts';
import { createMemory, memoryBytesMin } from './memory.ts';
import { defaultJudgeSettings } from './settings.ts';
import type { JudgeSettings } from './settings.ts';
import { createAsk } from './verdict.ts';

const now = Math.floor(Date.UTC(2026, 10, 21) / 1000);

const scene = (settings: Partial<JudgeSettings> = {}) => {
  const memory = createMemory(new SharedArrayBuffer(4 * memoryBytesMin), 7);
  const ask = createAsk(memory.table, { ...defaultJudgeSettings, ...settings });
  const reply = (recipient: string, size?: number, about: Partial<Question> = {}): string => {
    const verdict = ask({
      time: now * 1000,
      server: 'postfix',
      stage: 'recipient',
      client: '203.0.113.7',
      helo: 'client.test',
      account: undefined,
      sender: 's@remote.test',
      recipient,
      size,
      ...about,
    });
    return 'reply' in verdict ? `${verdict.reply.code} ${verdict.reply.enhanced}` : verdict.kind;
  };
  const say = (address: string, overFromBytes: number, until = now + 180): void =>
    sayRoom(memory.table, address, { overFromBytes, fullInSeconds: undefined, percentUsed: 99 }, until, now);
  return { memory, reply, say };
};

test('full, too large for what is left, room, unknown', () => {
  const { memory, reply, say } = scene();
  say('full@lab.test', 0);
  say('near@lab.test', 1001);
  assert.deepEqual(
    [reply('Full@Lab.test'), reply('full+tag@lab.test', 10), reply('near@lab.test'), reply('near@lab.test', 1000)],
    ['552 5.2.2', '552 5.2.2', 'accept', 'accept'],
  );
  assert.deepEqual([reply('near@lab.test', 1001), reply('other@lab.test', 1e9)], ['552 5.2.2', 'accept']);
  assert.equal(reply('full@lab.test', 10, { stage: 'data' }), 'accept');
  assert.equal(reply('near@lab.test', 1001, { stage: 'message' }), '552 5.2.2', 'MAIL did not promise it');
  assert.equal(reply('near@lab.test', 1001, { stage: 'message', recipient: undefined }), 'accept', 'one of several');
  assert.equal(reply('full@lab.test', 10, { account: 'anna', client: '127.0.0.1' }), '552 5.2.2', 'our own users too');
  forgetRoom(memory.table, 'full@lab.test');
  assert.equal(reply('full@lab.test'), 'accept');
});

test('what is not said again is forgotten', () => {
  const { reply, say } = scene();
  say('full@lab.test', 0, now);
  assert.equal(reply('full@lab.test'), 'accept');
});

test('452 by choice and while learning, nothing in observe mode', () => {
  const rows = [
    [{ overQuota: 'defer' }, '452 4.2.2'],
    [{ learningUntil: now + 1 }, '452 4.2.2'],
    [{ mode: 'observe' }, 'accept'],
  ] as const;
  for (const [settings, wanted] of rows) {
    const { reply, say } = scene(settings);
    say('full@lab.test', 0);
    assert.equal(reply('full@lab.test'), wanted);
  }
});

test('a message goes in exactly below the size that was said', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0xffff_fffe }), fc.integer({ min: 0, max: 0xffff_fffe }), (from, size) => {
      const { reply, say } = scene();
      say('a@lab.test', from);
      assert.equal(reply('a@lab.test', size), size >= from ? '552 5.2.2' : 'accept');
    }),
    { numRuns: 30 },
  );
});

test('bounces into a mailbox that fills fast are an incident long before their rate is one', () => {
  const play = (filling: boolean): readonly IncidentChange[] => {
    const { memory } = scene();
    const changes: IncidentChange[] = [];
    const judge = createJudge(memory, defaultJudgeSettings, { announce: (change) => changes.push(change) });
    const room = { overFromBytes: 5e6, fullInSeconds: filling ? 7200 : undefined, percentUsed: 62 };
    sayRoom(memory.table, 'small@lab.test', room, now + 180, now);
    for (let count = 0; count < 6; count++)
      judge.tell({
        ...draftEvent((now + count) * 1000, 'postfix', 'delivery'),
        outcome: 'sent',
        remote: false,
        sender: '',
        recipient: 'small@lab.test',
        client: `198.51.100.${count}`,
      });
    return changes.filter(({ change }) => change === 'opened');
  };
  const [opened, ...more] = play(true);
  assert.equal(more.length, 0);
  assert.equal(opened?.incident.attack, 'backscatter');
  assert.match(opened?.incident.why ?? '', /62 % full and at this pace full within 2 h/);
  assert.deepEqual(opened?.incident.actors, []);
  assert.equal(play(false).length, 0);
});

test('rooms take a twentieth of the table at most', () => {
  const tables = [4, 64].map((mebibytes) => createMemory(new SharedArrayBuffer(mebibytes * memoryBytesMin), 7).table);
  assert.deepEqual(tables.map(roomsIn), [5616, 50_000]);
});
