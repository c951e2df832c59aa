import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { draftEvent } from '../../model/event.ts';
import type { Event } from '../../model/event.ts';
import type { Question } from '../../model/question.ts';
import { createAnswering } from './answering.ts';
import { hearCheckers } from './checkers.ts';
import { heardFile, heardOf } from './heard.ts';
import { makeProbe, probeKey, readMark } from './probe.ts';

const scene = (t: { after: (end: () => void) => void }) => {
  const state = mkdtempSync(join(tmpdir(), 'postern-marks-'));
  t.after(() => rmSync(state, { recursive: true }));
  const key = probeKey(state);
  const told: Event[] = [];
  const asked: Question[] = [];
  const at = createAnswering(key, heardFile(state));
  const hook = (name: 'policy' | 'milter') =>
    at(
      name,
      (question) => {
        asked.push(question);
        return { kind: 'accept', why: [] };
      },
      (event) => told.push(event),
    );
  return { state, key, told, asked, hook };
};
const question = (stage: Question['stage'], helo: string | undefined): Question => ({
  time: Date.now(),
  server: 'postfix',
  stage,
  client: '192.0.2.30',
  helo,
  account: undefined,
  sender: undefined,
  recipient: undefined,
});

test('a mark is refused at its stage by its hook, and passed everywhere else', (t) => {
  const { state, key, asked, hook } = scene(t);
  const probe = makeProbe(key, 'policy', 'recipient');
  assert.equal(hook('policy').ask(question('helo', probe.name)).kind, 'accept');
  assert.equal(hook('milter').ask(question('recipient', probe.name)).kind, 'accept');
  const verdict = hook('policy').ask(question('recipient', probe.name));
  assert.ok(verdict.kind === 'defer' && verdict.reply.text === probe.words);
  assert.deepEqual(asked, [], 'the judge is not asked about it');
  assert.deepEqual(
    heardOf(heardFile(state), probe.nonce).map(({ hook: name, stage }) => [name, stage]),
    [
      ['policy', 'helo'],
      ['milter', 'recipient'],
      ['policy', 'recipient'],
    ],
  );
});

test('an announced connection is refused once, the next one is let in', (t) => {
  const { key, hook } = scene(t);
  const policy = hook('policy');
  assert.equal(policy.ask(question('connect', undefined)).kind, 'accept');
  policy.ask(question('recipient', makeProbe(key, 'policy', 'connect').name));
  assert.equal(hook('milter').ask(question('connect', undefined)).kind, 'accept', 'another hook was not meant');
  assert.equal(policy.ask(question('connect', undefined)).kind, 'defer');
  assert.equal(policy.ask(question('connect', undefined)).kind, 'accept');
});

test('an open mark is left without an answer by its hook alone', (t) => {
  const { key, hook } = scene(t);
  const { name } = makeProbe(key, 'policy', 'open');
  assert.ok(hook('policy').withholds(question('sender', name)));
  assert.ok(!hook('milter').withholds(question('sender', name)));
  assert.ok(!hook('policy').withholds(question('sender', 'client.test')));
});

test('what a marked session does is no evidence; its end is heard', (t) => {
  const { state, key, told, hook } = scene(t);
  const probe = makeProbe(key, 'any', 'pass');
  const event = draftEvent(Date.now(), 'sendmail', 'disconnect');
  event.helo = probe.name;
  hook('milter').tell(event);
  assert.deepEqual(told, []);
  assert.equal(heardOf(heardFile(state), probe.nonce)[0]?.stage, 'quit');
  const other = draftEvent(Date.now(), 'sendmail', 'disconnect');
  hook('milter').tell(other);
  assert.deepEqual(told, [other]);
});

test('a name that was not made here, or long ago, is no mark', (t) => {
  const { key } = scene(t);
  const { name } = makeProbe(key, 'authPolicy', 'auth');
  assert.ok(name.length <= 64, "Dovecot's log cuts longer ones");
  const now = Date.now();
  assert.deepEqual(readMark(key, name, now)?.hook, 'authPolicy');
  assert.equal(readMark(key, name, now + 300_000), undefined);
  assert.equal(readMark(Buffer.alloc(32), name, now), undefined);
  fc.assert(
    fc.property(fc.nat({ max: name.length - 1 }), fc.stringMatching(/^[0-9a-f-]$/), (place, letter) => {
      const changed = `${name.slice(0, place)}${letter}${name.slice(place + 1)}`;
      assert.ok(changed === name || readMark(key, changed, now) === undefined);
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => readMark(key, text, now) === undefined));
});

test('what a log tells without a name of who checks just now is no evidence', async (t) => {
  const { key, hook } = scene(t);
  const checkers = hearCheckers();
  t.after(checkers.stop);
  const nameless = { ...draftEvent(Date.now(), 'sendmail', 'recipient'), client: '192.0.2.30' };
  assert.ok(!checkers.isOne(nameless));
  hook('milter').ask(question('recipient', makeProbe(key, 'any', 'pass').name));
  while (!checkers.isOne(nameless)) await setImmediate();
  assert.ok(!checkers.isOne({ ...nameless, client: '192.0.2.31' }), 'another client');
  assert.ok(!checkers.isOne({ ...nameless, helo: 'client.test' }), 'another session of his');
  assert.ok(!checkers.isOne({ ...nameless, account: 'alice' }));
  assert.ok(!checkers.isOne({ ...nameless, time: nameless.time + 60_000 }), 'long after');
});

test('a key that is empty or cut short makes no names: it is made anew', (t) => {
  const { state, key } = scene(t);
  const file = join(state, 'check.key');
  assert.deepEqual(readFileSync(file), key);
  for (const bytes of [0, 31]) {
    truncateSync(file, bytes);
    const cut = readFileSync(file);
    const anew = probeKey(state);
    assert.deepEqual(readFileSync(file), anew);
    const { name } = makeProbe(cut, 'policy', 'recipient');
    assert.ok(readMark(cut, name, Date.now()) !== undefined);
    assert.equal(readMark(anew, name, Date.now()), undefined, 'made by whoever knows what was left of it');
  }
});
