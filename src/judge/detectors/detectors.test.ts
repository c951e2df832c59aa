/** What a contact and a login are, and that the list of detectors is whole. The detectors at work: ../judge.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../../model/event.ts';
import type { Event, EventDraft } from '../../model/event.ts';
import { createFirstContacts } from '../statistics/first-contacts.ts';
import { createTable } from '../statistics/table.ts';
import { allDetectors } from './all.ts';
import { contactOf } from './contact.ts';
import type { Contact } from './contact.ts';
import { detectorNames } from './detector.ts';
import { isKnownLogin, loginOf } from './login.ts';
import type { Login } from './login.ts';
import { tags } from './tags.ts';

const now = 1_795_000_000;
const desk = () => {
  const table = createTable(new ArrayBuffer(65_536), 65_536, 1);
  const firsts = createFirstContacts(new ArrayBuffer(65_536), 0, 1);
  const event = (fields: Partial<EventDraft>): Event => ({
    ...draftEvent(now * 1000, 'postfix', 'recipient'),
    client: '192.0.2.1',
    ...fields,
  });
  return {
    table,
    contact: (fields: Partial<EventDraft>, seconds = now): Contact | undefined =>
      contactOf(event(fields), '192.0.2.1', '192.0.2.0/24', seconds, table, firsts),
    login: (fields: Partial<EventDraft>, seconds = now): Login | undefined =>
      loginOf(event({ kind: 'auth', ...fields }), '192.0.2.1', '192.0.2.0/24', seconds, table, firsts),
  };
};

test('every detector is in the list, each tag is its own', () => {
  assert.deepEqual(new Set(allDetectors(() => false, 100).map(({ name }) => name)), new Set(detectorNames));
  assert.equal(new Set(Object.values(tags)).size, Object.keys(tags).length);
});

test('a contact is good or bad, or none at all', () => {
  const base = { sender: 's@a.test', recipient: 'N@Lab.test' };
  const rows: readonly (readonly [Partial<EventDraft>, boolean | undefined])[] = [
    [{ ...base, outcome: 'unknown' }, true],
    [{ ...base, outcome: 'accepted' }, false],
    [{ ...base, kind: 'delivery', outcome: 'sent', remote: false }, false],
    [{ ...base, kind: 'delivery', outcome: 'bounced', dsn: '5.1.1', remote: false }, true],
    [{ ...base, kind: 'delivery', outcome: 'sent', remote: true, origin: 'fwd@lab.test' }, false],
    [{ ...base, outcome: 'over-quota' }, undefined],
    [{ ...base, outcome: 'relay-denied' }, undefined],
    [{ ...base, outcome: 'deferred', reason: 'greylist' }, undefined],
    [{ ...base, outcome: 'unknown', sender: '' }, undefined],
    [{ ...base, outcome: 'unknown', account: 'a@lab.test' }, undefined],
    [{ ...base, kind: 'delivery', outcome: 'sent', remote: true }, undefined],
    [{ ...base, kind: 'delivery', outcome: 'sent', remote: false, reason: 'bounce' }, undefined],
    [{ ...base, kind: 'delivery', outcome: 'deferred', remote: false }, undefined],
  ];
  for (const [fields, bad] of rows) assert.equal(desk().contact(fields)?.bad, bad, JSON.stringify(fields));
  assert.equal(desk().contact({ ...base, outcome: 'unknown' })?.recipient, 'n@lab.test');
});

test('only the first contact in a week is first', () => {
  const { contact } = desk();
  const fields = { sender: 's@a.test', recipient: 'n@lab.test', outcome: 'unknown' } as const;
  assert.deepEqual(
    [contact(fields)?.first, contact(fields)?.first, contact(fields, now + 8 * 86_400)?.first],
    [true, false, true],
  );
});

test('a login that succeeded makes its network known for ninety days', () => {
  const { login, table } = desk();
  assert.deepEqual(login({ outcome: 'failure', account: 'Anna@lab.test' }), {
    account: 'anna@lab.test',
    success: false,
    first: true,
    known: false,
    newcomer: true,
  });
  assert.equal(
    login({ outcome: 'failure', account: 'anna@lab.test' })?.first,
    false,
    'the same wrong password again is no news',
  );
  login({ outcome: 'success', account: 'anna@lab.test' });
  assert.equal(login({ outcome: 'failure', account: 'anna@lab.test' })?.known, true);
  assert.ok(isKnownLogin(table, '192.0.2.0/24', 'ANNA@lab.test', now));
  assert.ok(!isKnownLogin(table, '192.0.2.0/24', 'anna@lab.test', now + 91 * 86_400));
  assert.ok(!isKnownLogin(table, '192.0.3.0/24', 'anna@lab.test', now));
});

test('what was never tried to the end says nothing about passwords', () => {
  for (const reason of ['policy', 'no-tls', 'aborted'] as const)
    assert.equal(desk().login({ outcome: 'failure', account: 'a', reason }), undefined);
  assert.equal(desk().login({ outcome: 'failure', account: '' })?.account, undefined);
});
