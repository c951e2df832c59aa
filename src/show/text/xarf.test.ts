import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Actor, Incident } from '../../model/report.ts';
import { xarfOf } from './xarf.ts';

const actor: Actor = { kind: 'client', value: '2001:db8:1:2::/64', events: 40, first: 1_000, last: 9_000 };
const incident: Incident = {
  id: '7F3KQ2',
  attack: 'dictionary',
  standing: 'hostile',
  opened: 1_000,
  recognised: 1_200,
  last: 9_000,
  closed: undefined,
  distributed: true,
  eventsBeforeRecognition: 4,
  actors: [actor],
  actorCount: 3,
  targets: [{ kind: 'recipient-domain', value: 'lab.test', events: 9 }],
  counts: { unknownRecipients: 9 },
  why: 'x'.repeat(5000),
  advice: [],
  campaign: undefined,
};
const reporter = { org: 'Lab', contact: 'abuse@lab.test' };
const id = '550e8400-e29b-41d4-a716-446655440000';

test('a draft has what its schema asks for, within its limits', () => {
  const draft = xarfOf(incident, actor, reporter, id);
  assert.ok(draft !== undefined);
  const document = JSON.parse(JSON.stringify(draft));
  assert.deepEqual(document.reporter, { org: 'Lab', contact: 'abuse@lab.test', domain: 'lab.test' });
  assert.equal(document.source_identifier, '2001:db8:1:2::');
  assert.equal(document.type, 'reconnaissance');
  assert.deepEqual(document.probed_resources, ['smtp: lab.test']);
  assert.equal(document.description.length, 1000);
  assert.match(document.first_seen, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$/);
});

test('no draft where the owner of a network can do nothing', () => {
  assert.equal(xarfOf({ ...incident, attack: 'backscatter' }, actor, reporter, id), undefined);
  assert.equal(xarfOf(incident, { ...actor, kind: 'account' }, reporter, id), undefined);
});
