/** Each attack of DESIGN §2 on each server, with real sessions. The table of docs/attacks.md is what is proven here. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { labClosed } from '../../servers/lab/door.ts';
import { mailServers } from '../mail-servers.ts';
import { inArena } from './arena.ts';
import type { Arena } from './arena.ts';
import {
  backscatter,
  dictionary,
  loginIsRefused,
  outboundFlood,
  passwordGuessing,
  protocolAbuse,
  relay,
  sessionIsRefused,
} from './attacks.ts';

type Played = (arena: Arena) => Promise<void>;
/** A story played here; one that is played elsewhere; or why there is none. */
type Cell = Played | { readonly elsewhere: string } | { readonly blind: string };

const inLabDomain = (name: string): string => `${name}@lab.test`;
const few = { client: 6, campaign: 30 };
const stolen = { elsewhere: 'test/stories/stolen-account.test.ts' };
const hooks = { elsewhere: 'test/stories/every-server-under-attack.test.ts' };
const flood = { elsewhere: 'test/stories/attacks/connection-flood.test.ts' };
const noMail = { blind: 'takes no mail' };
const storm = { elsewhere: 'test/stories/attacks/dns-storm.test.ts' };
const loginsOnly = { blind: 'shows logins only' };

const columns = ['Postfix', 'Exim', 'Sendmail', 'Dovecot'] as const;

/** In the order in which they are played: what an attack leaves in the judge's memory must not be the next one's. */
const table: readonly (readonly [attack: string, cells: readonly Cell[]])[] = [
  ['relay', [relay, relay, relay, noMail]],
  [
    'password-guessing',
    [
      (arena) => passwordGuessing(arena, loginIsRefused('bob@lab.test'), inLabDomain),
      (arena) => passwordGuessing(arena, loginIsRefused('bob@lab.test'), inLabDomain),
      (arena) => passwordGuessing(arena, sessionIsRefused, (name) => name),
      hooks,
    ],
  ],
  [
    'protocol-abuse',
    [
      (arena) => protocolAbuse(arena, true),
      (arena) => protocolAbuse(arena, false),
      (arena) => protocolAbuse(arena, true),
      loginsOnly,
    ],
  ],
  ['backscatter', [backscatter, backscatter, backscatter, noMail]],
  ['connection-flood', [flood, flood, flood, flood]],
  ['compromised-account', [stolen, stolen, stolen, loginsOnly]],
  [
    'outbound-flood',
    [
      (arena) => outboundFlood(arena, '/usr/sbin/sendmail'),
      (arena) => outboundFlood(arena, '/usr/local/sbin/exim'),
      (arena) => outboundFlood(arena, '/usr/sbin/sendmail'),
      noMail,
    ],
  ],
  [
    'dictionary',
    [(arena) => dictionary(arena, few), (arena) => dictionary(arena, few), (arena) => dictionary(arena, few), noMail],
  ],
  ['dns-storm', [storm, storm, storm, noMail]],
];

const people = new Map([
  ['Postfix', { known: 'alice@lab.test', other: 'bob@lab.test' }],
  ['Exim', { known: 'alice@lab.test', other: 'bob@lab.test' }],
  ['Sendmail', { known: 'laba@mx.lab.test', other: 'labb@mx.lab.test' }],
]);

for (const { name, start, hook, listen } of mailServers)
  test(`${name} under each attack`, { skip: labClosed }, async (t) => {
    const who = people.get(name);
    assert.ok(who);
    await inArena({ name, start, hook, listen, ...who }, async (arena) => {
      for (const [attack, cells] of table) {
        const cell = cells[columns.findIndex((column) => column === name)];
        if (typeof cell === 'function') await t.test(attack, () => cell(arena));
      }
    });
  });

test('docs/attacks.md says of each attack and server what is proven', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/attacks.md'), 'utf8');
  for (const [attack, cells] of table) {
    const row = docs.split('\n').find((line) => line.startsWith(`| \`${attack}\` | `) && line.split('|').length === 7);
    assert.ok(row !== undefined, `a row of five columns for ${attack}`);
    const told = row.split('|').slice(2, 6);
    cells.forEach((cell, at) => {
      const isProven = typeof cell === 'function' || 'elsewhere' in cell;
      assert.equal(told[at]?.includes('✓'), isProven, `${attack}, ${columns[at] ?? ''}: ${told[at] ?? ''}`);
      if (!isProven) assert.ok(told[at]?.includes(cell.blind), `${attack}: ${cell.blind}`);
      if (typeof cell === 'object' && 'elsewhere' in cell)
        assert.ok(readFileSync(join(import.meta.dirname, '../../..', cell.elsewhere)).length > 0);
    });
  }
});
