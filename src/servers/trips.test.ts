import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draftEvent } from '../model/event.ts';
import type { EventDraft } from '../model/event.ts';
import { cameBack, newTrips, sentOn } from './trips.ts';

const arrival = (client: string): EventDraft => ({ ...draftEvent(0, 'postfix', 'message'), client });
const delivery = (origin: string, recipient: string): EventDraft => ({
  ...draftEvent(0, 'postfix', 'delivery'),
  outcome: 'sent',
  remote: true,
  origin,
  recipient,
});

test('a message that comes back three times from where it was sent is a loop, and the event says which', () => {
  const trips = newTrips();
  const reasons: unknown[] = [];
  for (let pass = 0; pass < 4; pass++) {
    const event = arrival('192.0.2.77'); // the network, not the address: it takes mail in at one and sends at another
    cameBack(trips, '<one@x>', event);
    reasons.push(event.reason);
    if (event.reason === 'loop') assert.deepEqual([event.origin, event.recipient], ['ring@lab.test', 'back@ring.test']);
    sentOn(trips, '<one@x>', '192.0.2.26', delivery('ring@lab.test', 'back@ring.test'));
  }
  assert.deepEqual(reasons, [undefined, undefined, undefined, 'loop']);
});

test('a stranger who repeats a Message-ID, a filter that gives each message back once, and a list that sends many are no loop', () => {
  const trips = newTrips();
  const isLoop = (id: string | undefined, client: string): boolean => {
    const event = arrival(client);
    cameBack(trips, id, event);
    return event.reason === 'loop';
  };
  for (let pass = 0; pass < 20; pass++) {
    sentOn(trips, '<same@x>', '192.0.2.26', delivery('fwd@lab.test', 'someone@remote.test'));
    assert.ok(!isLoop('<same@x>', '203.0.113.7'), 'from elsewhere');
    sentOn(trips, `<each${pass}@x>`, '192.0.2.26', delivery('a@lab.test', 'a@lab.test'));
    assert.ok(!isLoop(`<each${pass}@x>`, '192.0.2.26'), 'once each');
    sentOn(trips, undefined, '192.0.2.26', delivery('a@lab.test', 'b@ring.test'));
    assert.ok(!isLoop(undefined, '192.0.2.26'), 'without an id');
  }
  // Ten copies handed over before the first comes back are ten returns of one trip, not ten trips.
  sentOn(trips, '<copies@x>', '192.0.2.26', delivery('a@lab.test', 'b@ring.test'));
  assert.ok(Array.from({ length: 10 }, () => isLoop('<copies@x>', '192.0.2.26')).every((loop) => !loop));
});
