import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isOutside, readAliases, switchOff, switchOn, switchedOff } from './alias-file.ts';

const local = new Set(['lab.test', 'example.org']);

test('entries of both formats, with comments, continuations and quotes', () => {
  const colon =
    '# head\nroot: alice,\n  bob@far.test\n# between\n\t, carol\n"odd name": |"/bin/x a,b", :fail: no\n*: :blackhole:\nbroken\n';
  assert.deepEqual(
    readAliases(colon, 'colon').map(({ key, targets }) => [key, targets]),
    [
      ['root', ['alice', 'bob@far.test', 'carol']],
      ['"odd name"', ['|"/bin/x a,b"', ':fail: no']],
      ['*', [':blackhole:']],
    ],
  );
  assert.deepEqual(
    readAliases('fwd@lab.test someone@far.test\ntwo@lab.test\talice@lab.test, x@far.test', 'blank').map(
      ({ key, targets }) => [key, targets],
    ),
    [
      ['fwd@lab.test', ['someone@far.test']],
      ['two@lab.test', ['alice@lab.test', 'x@far.test']],
    ],
  );
});

test('what leaves this server is an address of another domain', () => {
  const rows = [
    ['x@far.test', true],
    ['x@LAB.test', false],
    ['alice', false],
    ['\\alice', false],
    ['|/bin/x@y', false],
    ['/var/mail/x@y', false],
    [':include:/etc/x@y', false],
    ['"|x y"@far.test', false],
  ] as const;
  for (const [target, outside] of rows) assert.equal(isOutside(target, local), outside, target);
});

test('off keeps what is local, and on gives back the same bytes, whatever was edited around it', () => {
  const text =
    '# mine\ntwo@lab.test\talice@lab.test,\n   x@far.test\nfwd@lab.test someone@far.test\nlast@lab.test y@far.test';
  const two = switchOff(text, 'blank', 'TWO@lab.test', local) ?? assert.fail();
  assert.deepEqual(readAliases(two, 'blank')[0]?.targets, ['alice@lab.test']);
  assert.deepEqual(switchedOff(two), ['two@lab.test']);
  assert.equal(switchOn(two, 'two@lab.test'), text);
  const last = switchOff(two, 'blank', 'last@lab.test', local) ?? assert.fail();
  assert.ok(!readAliases(last, 'blank').some(({ key }) => key === 'last@lab.test'));
  const edited = `${last}new@lab.test z@far.test\n`;
  assert.equal(switchOn(switchOn(edited, 'two@lab.test') ?? '', 'last@lab.test'), `${text}new@lab.test z@far.test\n`);
  assert.equal(switchOff(text, 'blank', 'nobody@lab.test', local), undefined);
  assert.equal(switchOff('a: alice\n', 'colon', 'a', local), undefined, 'nothing leaves');
  assert.equal(switchOn(text, 'two@lab.test'), undefined);
});

test('round trip of any file', () => {
  const key = fc.stringMatching(/^[a-z]{1,4}$/);
  const target = fc.constantFrom('alice', 'x@far.test', 'y@lab.test', '|"p, q"', '/dev/null');
  const entry = fc
    .tuple(key, fc.array(target, { minLength: 1, maxLength: 4 }))
    .map(([name, targets]) => `${name}: ${targets.join(',\n  ')}\n`);
  const line = fc.oneof(entry, fc.constantFrom('# note\n', '\n'));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), key, (lines, name) => {
      const text = lines.join('');
      const off = switchOff(text, 'colon', name, local);
      if (off === undefined) return;
      assert.equal(switchOn(off, name), text);
      const [, ...rest] = [undefined, ...readAliases(off, 'colon').filter((each) => each.key === name)];
      assert.ok(rest.length <= readAliases(text, 'colon').filter((each) => each.key === name).length);
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) =>
      assert.ok(readAliases(text, 'blank').length >= 0 && switchedOff(text).length >= 0),
    ),
  );
});
