/** Which messages are an incident's own: those may be purged without a question. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { QueuedMessage } from '../../model/queue/message.ts';
import type { Incident } from '../../model/report.ts';
import { openDesk } from '../desk.ts';
import { ownOf } from './deeds.ts';

const opened = Date.UTC(2026, 10, 21);
const incident: Incident = {
  id: 'I7K2QM',
  attack: 'compromised-account',
  standing: 'hostile',
  opened,
  recognised: opened,
  last: opened,
  closed: undefined,
  distributed: false,
  eventsBeforeRecognition: 8,
  actors: [],
  actorCount: 0,
  targets: [],
  counts: {},
  why: '',
  advice: [],
  campaign: undefined,
};

test('an incident’s own are those that came since it began and those that were held for it, nothing else', () => {
  const state = mkdtempSync(join(tmpdir(), 'postern-own-'));
  const desk = openDesk(state, { carryOut: () => assert.fail('nothing is done') });
  try {
    desk.incidents.save([incident]);
    const memory = { server: 'postfix', spool: '/var/spool/postfix', evidence: '', messages: [{ id: 'HELD' }] };
    const common = { until: undefined, who: 'guard', why: '', note: '', made: opened, subject: 'postfix' } as const;
    desk.receipts.add([
      { ...common, id: 'AAAAAA', kind: 'queue-hold', memory, state: 'done', incident: incident.id },
      {
        ...common,
        id: 'AAAAAB',
        kind: 'queue-hold',
        memory: { ...memory, messages: [{ id: 'OTHER' }] },
        state: 'done',
        incident: undefined,
      },
    ]);
    // Only what it looks at.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const message = (id: string, arrived: number): QueuedMessage => ({ id, arrived }) as QueuedMessage;
    const isOwn = ownOf(incident.id, desk);
    assert.ok(isOwn(message('NEW', opened)) && isOwn(message('HELD', opened - 3_600_000)));
    assert.ok(!isOwn(message('OTHER', opened - 1)) && !isOwn(message('OLD', opened - 1)));
    assert.ok(!ownOf('I00000', desk)(message('NEW', opened)), 'of an incident that nobody knows, nothing');
  } finally {
    desk.close();
    rmSync(state, { recursive: true });
  }
});
