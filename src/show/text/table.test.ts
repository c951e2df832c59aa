import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from './table.ts';
import type { Column } from './table.ts';

type Row = { readonly account: string; readonly failed: number; readonly standing: string };
const columns: readonly Column<Row>[] = [
  { title: 'account', text: ({ account }) => account },
  { title: 'failed logins', right: true, text: ({ failed }) => String(failed) },
  { title: 'standing', text: ({ standing }) => standing },
];
const rows: readonly Row[] = [
  { account: 'bob@lab.test', failed: 12, standing: 'hostile' },
  { account: 'x'.repeat(5000), failed: 3, standing: 'unknown' },
];

test('a name that an attacker made long takes room from the names, never from the numbers', () => {
  const lines = table(rows, columns, 80);
  assert.equal(lines.length, 3);
  for (const line of lines) assert.ok(line.length <= 80, line);
  assert.match(lines[1] ?? '', /^ {2}bob@lab\.test +12 {2}hostile$/);
  assert.match(lines[2] ?? '', /^ {2}x+… +3 {2}unknown$/);
});

test('what fits stays as it is, and a terminal too small for all cuts at its edge', () => {
  const [head, first] = table(rows.slice(0, 1), columns, 80);
  assert.equal(head, '  account       failed logins  standing');
  assert.equal(first, '  bob@lab.test             12  hostile');
  for (const line of table(rows, columns, 20)) assert.ok(line.length <= 20, line);
});

test('an address is never cut', () => {
  const whole: readonly Column<Row>[] = columns.map((column, at) => ({ ...column, whole: at === 0 }));
  const account = '2001:db8:ffff:ffff::/64';
  const [, row] = table([{ account, failed: 1, standing: 'a standing that is very long indeed' }], whole, 60);
  assert.ok(row?.includes(`${account} `), row);
});
