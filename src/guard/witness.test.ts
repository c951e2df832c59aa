import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../model/event.ts';
import type { Event, ServerName } from '../model/event.ts';
import { createWitness } from './witness.ts';

const minute = 60_000;
const connect = (server: ServerName): Event => draftEvent(0, server, 'connect');

test('the log speaks, the hooks when there is none, and again when it has fallen silent', () => {
  const silent: string[] = [];
  const witness = createWitness((server, ms) => silent.push(`${server} ${ms / minute}`));
  const hooks = (times: number, now: number): boolean[] =>
    Array.from({ length: times }, () => witness.hookSpeaks(connect('postfix'), now));

  assert.deepEqual(hooks(2, 0), [true, true], 'no log yet');
  witness.logSpeaks(connect('postfix'), 0);
  assert.ok(hooks(100, 4 * minute).every((speaks) => !speaks));
  witness.logSpeaks(connect('postfix'), 4 * minute);
  assert.ok(
    hooks(19, 60 * minute).every((speaks) => !speaks),
    'a quiet hour is no silence',
  );
  assert.deepEqual(silent, []);
  assert.deepEqual(hooks(2, 60 * minute), [true, true]);
  assert.deepEqual(silent, ['postfix 56'], 'said once');
  assert.equal(witness.hookSpeaks(connect('exim'), 60 * minute), true, 'each server has its own');
  witness.logSpeaks(connect('postfix'), 61 * minute);
  assert.deepEqual(hooks(1, 61 * minute), [false], 'and the log speaks again');
});

test("Sendmail's refused recipients count when its hook tells them, and not again when the log does", () => {
  const witness = createWitness(() => undefined);
  const refused = (client: string): Event =>
    Object.assign(draftEvent(0, 'sendmail', 'recipient'), { client, recipient: 'a@lab.test', outcome: 'unknown' });
  assert.equal(witness.logSpeaks(connect('sendmail'), 0), true);
  assert.equal(witness.hookSpeaks(connect('sendmail'), 1), false);
  assert.equal(witness.logSpeaks(refused('203.0.113.1'), 1), true, 'nobody told it before');
  assert.equal(witness.hookSpeaks(refused('203.0.113.1'), 1), true);
  assert.equal(witness.hookSpeaks(refused('203.0.113.1'), 1), true);
  assert.equal(witness.logSpeaks(refused('203.0.113.2'), 2), true, 'another client');
  assert.deepEqual(
    Array.from({ length: 3 }, () => witness.logSpeaks(refused('203.0.113.1'), 2)),
    [false, false, true],
    'each once',
  );
});

test("an unknown recipient that Exim's hook tells waits for the log's word: it may be a domain elsewhere without a route", () => {
  const witness = createWitness(() => undefined);
  const refused: Event = Object.assign(draftEvent(0, 'exim', 'recipient'), {
    client: '203.0.113.1',
    outcome: 'unknown',
  });
  assert.equal(witness.hookSpeaks(refused, 0), true, 'no log yet');
  assert.equal(witness.logSpeaks(refused, 1), true);
  assert.equal(witness.hookSpeaks(refused, 2), false);
});

test("connections count by the hook's word until a log tells of one", () => {
  const witness = createWitness(() => undefined);
  witness.logSpeaks(draftEvent(0, 'exim', 'disconnect'), 0);
  witness.logSpeaks(Object.assign(connect('exim'), { outcome: 'deferred' }), 0);
  assert.equal(witness.hookSpeaks(draftEvent(0, 'exim', 'helo'), 1), false);
  assert.equal(witness.hookSpeaks(connect('exim'), 1), true);
  witness.logSpeaks(connect('exim'), 2);
  assert.equal(witness.hookSpeaks(connect('exim'), 3), false);
});
