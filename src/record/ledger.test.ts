/** What every ledger must do, whatever keeps it. A new one is a row in `ledgers`. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Fault } from '../model/fault.ts';
import { actionKinds, receiptStates } from '../model/receipt.ts';
import type { Receipt } from '../model/receipt.ts';
import type { Incident } from '../model/report.ts';
import * as fc from 'fast-check';
import { tryLock } from './sqlite/lock.ts';
import { openLedger } from './sqlite/open.ts';

const ledgers = [{ name: 'sqlite', open: openLedger }] as const;

const inDirectory = (play: (directory: string) => void): void => {
  const directory = mkdtempSync(join(tmpdir(), 'postern-ledger-'));
  try {
    play(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
};

const receipt: Receipt = {
  id: 'A7K2QM',
  kind: 'firewall-block',
  subject: '203.0.113.7',
  memory: { set: 'v4', before: null, list: [1, 'two', true] },
  state: 'open',
  made: 1_000,
  until: 2_000,
  incident: '7F3ABC',
  who: 'guard',
  why: 'harvest',
  note: '',
};

const incident: Incident = {
  id: '7F3KQ2',
  attack: 'dictionary',
  standing: 'hostile',
  opened: 1_000,
  recognised: 1_200,
  last: 1_300,
  closed: undefined,
  distributed: false,
  eventsBeforeRecognition: 4,
  actors: [{ kind: 'client', value: '203.0.113.7', events: 9, first: 1_000, last: 1_300 }],
  actorCount: 1,
  targets: [{ kind: 'recipient-domain', value: 'lab.test', events: 9 }],
  counts: { unknownRecipients: 9 },
  why: 'score 12 of 11.5',
  advice: ['Refuse.'],
  campaign: undefined,
};

const texts = fc.string({ unit: 'binary', maxLength: 60 }).filter((text) => !/[\uD800-\uDFFF]/.test(text));
const receipts: fc.Arbitrary<Receipt> = fc.record({
  id: fc.string({ minLength: 1, maxLength: 8 }),
  kind: fc.constantFrom(...actionKinds),
  subject: texts,
  memory: fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), texts, { noNullPrototype: true }),
  state: fc.constantFrom(...receiptStates),
  made: fc.nat(),
  until: fc.option(fc.nat(), { nil: undefined }),
  incident: fc.option(texts, { nil: undefined }),
  who: texts,
  why: texts,
  note: texts,
});

for (const { name, open } of ledgers) {
  test(`${name}: what was added is there after it was closed and opened again`, () => {
    inDirectory((directory) => {
      const first = open(directory);
      first.receipts.add([receipt, { ...receipt, id: 'AB', until: undefined, incident: undefined, made: 1_001 }]);
      first.receipts.move(['A7K2QM'], 'done', 'it took');
      first.close();
      const { receipts: again, close } = open(directory);
      assert.deepEqual(again.get('A7K2QM'), { ...receipt, state: 'done', note: 'it took' });
      assert.equal(again.get('AB')?.until, undefined);
      assert.equal(again.get('nobody'), undefined);
      assert.deepEqual(
        again.inState('open', 'done').map(({ id }) => id),
        ['AB', 'A7K2QM'],
      );
      assert.deepEqual(
        again.latest(1).map(({ id }) => id),
        ['AB'],
      );
      assert.deepEqual([again.due(1_999).length, again.due(2_000).length], [0, 1]);
      const later = { ...receipt, id: 'LATER', made: 5_000, state: 'done' } as const;
      again.add([later]);
      assert.deepEqual([again.before(later), again.after(later)], [['A7K2QM'], []]);
      assert.deepEqual(again.after(receipt), ['LATER']);
      again.move(['A7K2QM'], 'undone', '');
      assert.deepEqual(again.before(later), []);
      const twin = { ...later, id: 'TWIN' } as const;
      const whenClockWentBack = { ...later, id: 'LAST', made: 1 } as const;
      again.add([twin, whenClockWentBack]);
      assert.deepEqual(again.before(later), []);
      assert.deepEqual([again.before(twin), again.after(twin)], [['LATER'], ['LAST']]);
      assert.deepEqual([again.before(whenClockWentBack), again.after(whenClockWentBack)], [['LATER', 'TWIN'], []]);
      close();
    });
  });

  test(`${name}: any receipt comes back as it went in`, () => {
    inDirectory((directory) => {
      const ledger = open(directory);
      let seen = 0;
      fc.assert(
        fc.property(fc.uniqueArray(receipts, { minLength: 1, maxLength: 3, selector: ({ id }) => id }), (many) => {
          const fresh = many.map((each, at) => ({ ...each, id: `${seen++}-${at}` }));
          ledger.receipts.add(fresh);
          for (const each of fresh) assert.deepEqual(ledger.receipts.get(each.id), each);
        }),
        { numRuns: 50 },
      );
      assert.ok(seen > 0);
      ledger.close();
    });
  });

  test(`${name}: a batch is all or nothing`, () => {
    inDirectory((directory) => {
      const ledger = open(directory);
      assert.throws(() => ledger.receipts.add([receipt, { ...receipt, id: 'X' }, receipt]), Fault);
      assert.deepEqual(ledger.receipts.latest(10), []);
      ledger.receipts.add([receipt]);
      ledger.close();
    });
  });

  test(`${name}: incidents are kept as they are now, and found open or latest`, () => {
    inDirectory((directory) => {
      const first = open(directory);
      const later: Incident = { ...incident, id: 'LATER', opened: 2_000, campaign: '7F3KQ2' };
      first.incidents.save([incident, later]);
      first.incidents.save([{ ...incident, last: 1_900, closed: 1_900 }]);
      first.close();
      const ledger = open(directory);
      assert.deepEqual(ledger.incidents.get(incident.id), { ...incident, last: 1_900, closed: 1_900 });
      assert.deepEqual(ledger.incidents.open(), [later]);
      assert.deepEqual(
        ledger.incidents.latest(5).map(({ id }) => id),
        ['LATER', '7F3KQ2'],
      );
      assert.equal(ledger.incidents.get('nobody'), undefined);
      ledger.receipts.add([receipt, { ...receipt, id: 'DONE', state: 'done', incident: '7F3KQ2' }]);
      assert.deepEqual(
        ledger.receipts.ofIncident('7F3KQ2').map(({ id }) => id),
        ['DONE'],
      );
      assert.deepEqual(
        ledger.receipts.inForce('firewall-block').map(({ id }) => id),
        ['DONE'],
      );
      assert.deepEqual(
        (['firewall-block', 'allowance'] as const).map((kind) => ledger.receipts.countInForce(kind)),
        [1, 0],
      );
      ledger.close();
    });
  });

  test(`${name}: a pause holds until it is over or ended`, () => {
    inDirectory((directory) => {
      const ledger = open(directory);
      const pause = { until: Date.now() + 60_000, who: 'anna', why: 'lists' };
      assert.equal(ledger.pause.get(), undefined);
      ledger.pause.set(pause);
      assert.deepEqual(ledger.pause.get(), pause);
      ledger.pause.set({ ...pause, until: Date.now() - 1 });
      assert.equal(ledger.pause.get(), undefined);
      ledger.pause.set(pause);
      ledger.pause.set(undefined);
      assert.equal(ledger.pause.get(), undefined);
      ledger.close();
    });
  });

  test(`${name}: all of it is told, with what happened; what is closed and old is forgotten, what is in force never`, () => {
    inDirectory((directory) => {
      const ledger = open(directory);
      const of = (id: string, made: number, state: Receipt['state'], incidentId: string): Receipt => ({
        ...receipt,
        id,
        made,
        state,
        incident: incidentId,
      });
      ledger.incidents.save([
        { ...incident, closed: 1_500 },
        { ...incident, id: 'GONE', closed: 1_500 },
        { ...incident, id: 'OPEN' },
      ]);
      ledger.receipts.add([
        of('DONE', 1_000, 'done', incident.id),
        of('OLD', 1_001, 'undone', 'GONE'),
        of('JUST', 1_002, 'done', 'GONE2'),
        of('WAITS', 1_003, 'suggested', 'GONE2'),
      ]);
      ledger.receipts.move(['JUST'], 'undone', 'just now');
      ledger.pause.set({ until: 2_000, who: 'anna', why: 'lists' });
      const told = [...ledger.archive.entries()];
      assert.deepEqual(
        told.map((each) => ('id' in each ? each.id : each.entry)),
        ['7F3KQ2', 'GONE', 'OPEN', 'DONE', 'OLD', 'JUST', 'WAITS', 'pause'],
      );
      const just = told.find((each) => 'id' in each && each.id === 'JUST');
      assert.ok(just?.entry === 'action');
      assert.deepEqual(
        [just.state, just.moves.map(({ state, note }) => [state, note])],
        ['undone', [['undone', 'just now']]],
      );

      const left = (): string[] => [...ledger.archive.entries()].map((each) => ('id' in each ? each.id : each.entry));
      const before = Date.now() - 60_000;
      assert.equal(ledger.archive.forget({ before, receiptsMax: 10 }), 1);
      assert.deepEqual(left(), ['7F3KQ2', 'OPEN', 'DONE', 'JUST', 'WAITS', 'pause']);
      assert.equal(ledger.archive.forget({ before, receiptsMax: 10 }), 0);
      assert.equal(ledger.archive.forget({ before, receiptsMax: 0 }), 1);
      assert.deepEqual(left(), ['7F3KQ2', 'OPEN', 'DONE', 'WAITS', 'pause']);
      ledger.close();
    });
  });

  test(`${name}: notices that nobody took are there after a restart, a thousand at most`, () => {
    inDirectory((directory) => {
      const first = open(directory);
      const [taken, waiting] = [first.outbox.add('mail', 'one'), first.outbox.add('webhook', 'two')];
      first.outbox.tried(waiting);
      first.outbox.remove(taken);
      first.close();
      const ledger = open(directory);
      assert.deepEqual(
        ledger.outbox.waiting().map(({ id, channel, tries, document }) => [id, channel, tries, document]),
        [[waiting, 'webhook', 1, 'two']],
      );
      for (let at = 0; at < 1005; at++) ledger.outbox.add('mail', `${at}`);
      const kept = ledger.outbox.waiting();
      assert.deepEqual([kept.length, kept[0]?.document, kept.at(-1)?.document], [1000, '5', '1004']);
      ledger.close();
    });
  });

  test(`${name}: two processes may write`, () => {
    inDirectory((directory) => {
      const [one, two] = [open(directory), open(directory)];
      one.receipts.add([receipt]);
      two.receipts.move([receipt.id], 'done', 'seen');
      assert.equal(one.receipts.get(receipt.id)?.state, 'done');
      one.close();
      two.close();
    });
  });
}

test('a file that is no ledger, or of a later version, is said to be so', () => {
  inDirectory((directory) => {
    writeFileSync(join(directory, 'ledger.sqlite'), 'this is no database, '.repeat(1000));
    assert.throws(() => openLedger(directory), /cannot be used/);
  });
  inDirectory((directory) => {
    openLedger(directory).close();
    const database = new DatabaseSync(join(directory, 'ledger.sqlite'));
    database.exec('PRAGMA user_version = 999');
    database.close();
    assert.throws(() => openLedger(directory), /later version/);
  });
});

test('a ledger that is damaged inside says so wherever it is read', () => {
  inDirectory((directory) => {
    const written = openLedger(directory);
    const many = Array.from({ length: 2000 }, (_, at) => ({ ...receipt, id: `A${at}`, state: 'done' as const }));
    written.receipts.add(many);
    written.close();
    const file = join(directory, 'ledger.sqlite');
    const bytes = readFileSync(file);
    // All but the first pages, which say what there is.
    for (let at = 12 * 4096; at < bytes.length; at += 4096) bytes.fill(0xff, at, at + 200);
    writeFileSync(file, bytes);
    const ledger = openLedger(directory);
    for (const read of [
      () => ledger.receipts.latest(10_000),
      () => ledger.receipts.get('A7'),
      () => ledger.receipts.inForce('firewall-block'),
      () => [...ledger.archive.entries()],
    ])
      assert.throws(read, (error) => error instanceof Fault && error.message.includes('ledger.sqlite cannot be used'));
    ledger.close();
  });
  inDirectory((directory) => {
    const written = openLedger(directory);
    written.receipts.add([receipt]);
    written.close();
    const database = new DatabaseSync(join(directory, 'ledger.sqlite'));
    database.exec("UPDATE receipts SET memory = '{'");
    database.close();
    const ledger = openLedger(directory);
    assert.throws(() => ledger.receipts.get(receipt.id), /the ledger is damaged \(memory\)/);
    ledger.close();
  });
});

test('a lock has one holder', () => {
  inDirectory((directory) => {
    const file = join(directory, 'x.lock');
    const release = tryLock(file);
    assert.ok(release !== undefined);
    assert.equal(tryLock(file), undefined);
    release();
    const again = tryLock(file);
    assert.ok(again !== undefined);
    again();
  });
});
