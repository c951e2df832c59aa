import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Mailbox } from '../../model/mailbox.ts';
import { openGrowth } from './growth.ts';

const now = Date.UTC(2026, 10, 21);
const hour = 3_600_000;
const fileIn = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-growth-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'state/quota.looks');
};
const box = (usedBytes: number, messages?: number): readonly Mailbox[] => [
  { address: 'a@b.test', usedBytes, bytesMax: 1000, messages, messagesMax: undefined },
];

test('growth is measured against an earlier look, a restart between them or not', async (t) => {
  const file = fileIn(t);
  assert.deepEqual(await openGrowth(file).enter(box(0, 0), now), new Map());
  const growth = (await openGrowth(file).enter(box(100, 4), now + hour)).get('a@b.test');
  assert.deepEqual(growth, { bytesPerHour: 100, messagesPerHour: 4, fullInHours: 9 });
  const book = openGrowth(file);
  assert.equal((await book.enter(box(110), now + 1.25 * hour)).get('a@b.test')?.bytesPerHour, 88);
  assert.equal((await book.enter(box(50), now + 2 * hour)).get('a@b.test')?.fullInHours, undefined, 'it shrinks');
});

test('one large message in a moment is no flood, and nobody looks further ahead than he has seen', async (t) => {
  const book = openGrowth(fileIn(t));
  await book.enter(box(0), now);
  const soon = (await book.enter(box(100), now + 1000)).get('a@b.test');
  assert.equal(soon?.bytesPerHour, 600, 'as if in ten minutes');
  assert.equal(soon.fullInHours, 1.5);
  assert.equal((await book.enter(box(10), now + 2000)).get('a@b.test')?.fullInHours, undefined, '16 hours are too far');
});

test('a damaged file, a clock set back, a folder that cannot be written: nothing is known, nothing fails', async (t) => {
  const file = fileIn(t);
  await openGrowth(file).enter(box(0), now);
  assert.match(readFileSync(file, 'latin1'), /^# postern quota \d+\na@b.test 0 - - -\n$/);
  assert.deepEqual(await openGrowth(file).enter(box(5), now - hour), new Map());
  writeFileSync(file, 'what is this');
  writeFileSync(`${file}.before`, '# postern quota x\n');
  assert.deepEqual(await openGrowth(file).enter(box(5), now + hour), new Map());
  const book = openGrowth(join(file, 'no folder/quota.looks'));
  await book.enter(box(0), now);
  assert.equal((await book.enter(box(100), now + hour)).get('a@b.test')?.bytesPerHour, 100);
});
