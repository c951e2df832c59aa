import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../../model/event.ts';
import type { Event, EventDraft } from '../../model/event.ts';
import { createRecipients } from './recipients.ts';

const now = Date.UTC(2026, 10, 21);
const event = (fields: Partial<EventDraft>, time = now): Event => ({
  ...draftEvent(time, 'postfix', 'recipient'),
  recipient: 'A@b.test',
  ...fields,
});

test('who exists here, once, for a day', () => {
  const recipients = createRecipients();
  const rows: readonly (readonly [Partial<EventDraft>, boolean])[] = [
    [{ outcome: 'unknown' }, false],
    [{ outcome: 'relay-denied' }, false],
    [{ kind: 'delivery', outcome: 'sent', remote: true }, false],
    [{ outcome: 'accepted', recipient: 'root' }, false],
    [{ outcome: 'accepted', recipient: `${'x'.repeat(320)}@b.test` }, false],
    [{ kind: 'delivery', outcome: 'bounced', remote: false }, true],
    [{ outcome: 'accepted', recipient: 'a@B.test' }, false],
    [{ outcome: 'over-quota', recipient: 'c@b.test' }, true],
  ];
  for (const [fields, isNew] of rows) assert.equal(recipients.meet(event(fields)), isNew, JSON.stringify(fields));
  assert.deepEqual([recipients.takeNew(), recipients.takeNew()], [['a@b.test', 'c@b.test'], []]);
  assert.deepEqual(recipients.inUse(now + 1000), ['c@b.test', 'a@b.test'], 'last met first');
  assert.deepEqual(recipients.inUse(now + 25 * 3_600_000), []);
});

test('however many there are, so many are kept: those met last', () => {
  const recipients = createRecipients();
  for (let count = 0; count < 10_500; count++)
    recipients.meet(event({ outcome: 'accepted', recipient: `u${count}@b.test` }));
  const kept = recipients.inUse(now);
  assert.deepEqual([kept.length, kept[0], kept.at(-1)], [10_000, 'u10499@b.test', 'u500@b.test']);
  assert.equal(recipients.takeNew().length, 10_000);
});
