import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Event } from '../../model/event.ts';
import { createStamps } from '../../protocols/syslog/stamps.ts';
import { utcZone } from '../../protocols/syslog/zone.ts';
import { exchangeGrammar } from './log.ts';

type Columns = Readonly<Record<number, string>>;
const line = (source: string, event: string, columns: Columns = {}): string => {
  const fields: Columns = {
    0: '2026-11-21T00:10:31.123Z',
    1: '10.0.0.5',
    7: source,
    8: event,
    9: '4711',
    11: 'net-1',
    19: 's@a.test',
    24: '192.0.2.1',
    ...columns,
  };
  return Array.from({ length: 26 }, (_, at) =>
    `"${(fields[at] ?? '').replaceAll('"', '""')}"`.replace(/^"(2026[^"]*)"$/, '$1'),
  ).join(',');
};

const readAll = (lines: readonly string[]): { events: Event[]; understood: string[] } => {
  const reader = exchangeGrammar.reader(createStamps(utcZone, () => 0));
  const events: Event[] = [];
  return { understood: lines.map((one) => reader.read(one, (event) => events.push(event))), events };
};

test('a message from outside, its deliveries and its bounce', () => {
  const { events, understood } = readAll([
    '#Log-type: Message Tracking Log',
    line('SMTP', 'HAREDIRECT'),
    line('SMTP', 'RECEIVE', { 12: 'a@lab.test;b@lab.test', 14: '900', 15: '2' }),
    line('STOREDRIVER', 'DELIVER', { 12: 'a@lab.test' }),
    line('ROUTING', 'FAIL', {
      12: 'b@lab.test',
      13: '[{LED=550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found}]',
    }),
    line('SMTP', 'SEND', { 12: 'c@far.test', 13: '250 2.1.5 Recipient OK' }),
    line('DSN', 'RECEIVE', { 11: 'net-2', 19: '<>' }),
  ]);
  assert.deepEqual(understood, ['known', 'known', 'event', 'event', 'event', 'event', 'event']);
  assert.deepEqual(
    events.map(({ kind, outcome, client, recipient, remote, dsn, sender, reason, count }) => [
      kind,
      outcome,
      client,
      recipient,
      remote,
      dsn,
      sender,
      reason,
      count,
    ]),
    [
      ['message', undefined, '192.0.2.1', undefined, undefined, undefined, 's@a.test', undefined, 2],
      ['delivery', 'sent', '192.0.2.1', 'a@lab.test', false, undefined, 's@a.test', undefined, undefined],
      ['delivery', 'bounced', '192.0.2.1', 'b@lab.test', false, '5.1.10', 's@a.test', undefined, undefined],
      ['delivery', 'sent', '192.0.2.1', 'c@far.test', true, undefined, 's@a.test', undefined, undefined],
      ['message', undefined, undefined, undefined, undefined, undefined, '', 'bounce', undefined],
    ],
  );
});

test('what a mailbox sends is its account’s', () => {
  const { events } = readAll([
    line('STOREDRIVER', 'RECEIVE', { 19: 'anna@lab.test' }),
    line('SMTP', 'SEND', { 12: 'x@far.test;y@far.test' }),
  ]);
  assert.deepEqual(
    events.map(({ kind, account, client, recipient }) => [kind, account, client, recipient]),
    [
      ['message', 'anna@lab.test', undefined, undefined],
      ['delivery', 'anna@lab.test', undefined, 'x@far.test'],
      ['delivery', 'anna@lab.test', undefined, 'y@far.test'],
    ],
  );
});

test('no bytes make it throw, and no subject or sender becomes the client', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(25), (noise, at) => {
      const bait = `",198.51.100.66,SMTP,RECEIVE,${noise}`;
      const { events } = readAll([
        line('SMTP', 'RECEIVE', { 18: bait, 19: bait }),
        line('SMTP', 'FAIL', { 12: bait, 18: noise }),
      ]);
      for (const { client } of events) assert.equal(client, '192.0.2.1');
      readAll([line('SMTP', 'RECEIVE').slice(0, at * 8) + noise]);
    }),
  );
});
