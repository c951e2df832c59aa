import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { catchAllFormat, unlock } from './catch-all.ts';
import type { CatchAllFormat } from './catch-all.ts';

const format = (name: string): CatchAllFormat => {
  const found = catchAllFormat(name);
  assert.ok(found !== undefined);
  return found;
};
const isLocal = (domain: string): boolean => domain === 'lab.test';
const all = (): boolean => true;

test('what becomes of unknown names, in each map', () => {
  const rows: readonly (readonly [string, string, string, string])[] = [
    ['exim-aliases', '*: :blackhole:\n', 'a.test', 'discarded'],
    ['exim-aliases', '*: ":fail: No Such User Here"\n', 'a.test', 'rejected'],
    ['exim-aliases', '"*": alice@lab.test\n', 'a.test', 'mailbox'],
    ['exim-aliases', 'bob: bob\n*: alice\n', 'a.test', 'mailbox'],
    ['exim-aliases', '*: x@remote.test', 'a.test', 'forwarded'],
    ['exim-aliases', '*: alice@lab.test,\r\n  x@remote.test\r\n', 'a.test', 'forwarded'],
    ['exim-aliases', '*: "|/usr/bin/program x"\n', 'a.test', 'program'],
    ['exim-aliases', '*: /dev/null\n', 'a.test', 'discarded'],
    ['exim-domain-alias', 'a.test: b.test\n', 'a.test', 'forwarded'],
    ['postfix-map', '@a.test alice@lab.test\n', '', 'mailbox'],
    ['postfix-map', '# x\n@a.test\n  alice@lab.test\n# y\n  , x@remote.test\n', '', 'forwarded'],
    ['postfix-mailboxes', '@a.test a.test/all/\n', '', 'mailbox'],
    ['sendmail-virtusertable', '@a.test\talice\n', '', 'mailbox'],
    ['sendmail-virtusertable', '@A.test error:nouser 550 no\n', '', 'rejected'],
  ];
  for (const [name, text, file, fate] of rows)
    assert.deepEqual(
      format(name)
        .find(text, file, isLocal)
        .map((found) => [found.domain, found.fate]),
      [['a.test', fate]],
      JSON.stringify(text),
    );
  const main = format('postfix-main').find('luser_relay = x@remote.test\nlocal_recipient_maps =\n', '', isLocal);
  assert.deepEqual(
    main.map(({ fate }) => fate),
    ['forwarded'],
  );
  assert.equal(
    format('postfix-main').find('local_recipient_maps = $alias_maps\nluser_relay =\n', '', isLocal).length,
    0,
  );
});

test('of two equal keys the first counts, and both are locked', () => {
  const text = '@a.test alice@lab.test\n@a.test bob@lab.test\n';
  assert.equal(format('postfix-map').find(text, '', isLocal)[0]?.target, 'alice@lab.test');
  const { text: locked } = format('postfix-map').lock(text, '', all);
  assert.equal(locked, '#postern# @a.test alice@lab.test\n#postern# @a.test bob@lab.test\n');
});

test('a locked map refuses, and only the chosen domains are touched', () => {
  const exim = format('exim-aliases').lock('x: y\r\n*: alice\r\n', 'a.test', all);
  assert.equal(exim.text, 'x: y\r\n*: ":fail: No such user here"\r\n');
  const some = format('sendmail-virtusertable').lock('@a.test alice\n@b.test bob', '', (domain) => domain === 'b.test');
  assert.equal(some.text, '@a.test alice\n@b.test\terror:nouser 550 5.1.1 No such user here');
  assert.equal(format('exim-aliases').lock('*: :fail: no\n', 'a.test', all).replaced.length, 0);
});

const names = ['exim-aliases', 'postfix-map', 'postfix-mailboxes', 'sendmail-virtusertable', 'postfix-main'];
const line = fc.constantFrom(
  '*: alice@lab.test',
  '*: :blackhole:',
  '@a.test alice@lab.test',
  '@b.test x@remote.test',
  ' continued@lab.test',
  '# a comment',
  '',
  'bob: carol',
  'luser_relay = root',
  '\u00e4\u0000odd',
);
const end = fc.constantFrom('\n', '\r\n');
const texts = fc.tuple(fc.array(fc.tuple(line, end), { maxLength: 12 }), fc.boolean()).map(([lines, last]) => {
  const text = lines.flat().join('');
  return last ? text : text.replace(/\r?\n$/, '');
});

test('lock, then unlock, is the identity', () => {
  fc.assert(
    fc.property(fc.constantFrom(...names), texts, (name, text) => {
      const locked = format(name).lock(text, 'a.test', all);
      const accepting = format(name)
        .find(locked.text, 'a.test', isLocal)
        .filter(({ fate }) => fate !== 'rejected');
      assert.deepEqual(accepting, []);
      assert.deepEqual(unlock(locked.text, locked.replaced), { text, conflicts: [] });
    }),
    { numRuns: 1000 },
  );
});

test('edits made meanwhile are kept', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.array(fc.constantFrom('new1: a', '@new.test b', '# note'), { maxLength: 4 }),
      fc.nat(),
      (name, added, seed) => {
        const text = '*: alice@lab.test\n@a.test alice@lab.test\n# end\nlast: x\n';
        const locked = format(name).lock(text, 'a.test', all);
        const lines = locked.text.split('\n');
        const places = [0, lines.length - 1];
        const at = places[seed % 2] ?? 0;
        const edited = [...lines.slice(0, at), ...added, ...lines.slice(at)].join('\n');
        const wanted = text.split('\n');
        const { text: back, conflicts } = unlock(edited, locked.replaced);
        assert.deepEqual(conflicts, []);
        const from = at === 0 ? 0 : wanted.length - 1;
        assert.equal(back, [...wanted.slice(0, from), ...added, ...wanted.slice(from)].join('\n'));
      },
    ),
  );
});

test('what somebody else has decided meanwhile is left alone and told', () => {
  const locked = format('exim-aliases').lock('*: alice\n', 'a.test', all);
  const { text, conflicts } = unlock('*: carol\n', locked.replaced);
  assert.deepEqual([text, conflicts], ['*: carol\n', ['a.test']]);
});
