import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { setUpExim } from '../exim/setup.ts';
import { setUpPostfix } from '../postfix/setup.ts';
import { setUpSendmail } from '../sendmail/setup.ts';
import { takeOut } from './take-out.ts';

const endpoints = {
  policy: '127.0.0.1:10040',
  milter: '127.0.0.1:10041',
  readsocket: '127.0.0.1:10042',
  authPolicy: '127.0.0.1:10043',
};
const main = 'myhostname = mx\nsmtpd_data_restrictions = reject_unauth_pipelining\nmynetworks = 127.0.0.0/8\n';
const exim = 'acl_smtp_rcpt = check_rcpt\n\nbegin acl\n\ncheck_rcpt:\n  accept hosts = :\n  deny\n\nbegin routers\n';

const eximAfter = (): string => {
  const change = setUpExim({ files: [{ path: '/e', text: exim }], include: '/etc/exim4/postern.acl' });
  return change.kind === 'changed' ? (change.files[0]?.text ?? '') : '';
};
const textOf = (change: ReturnType<typeof setUpPostfix>): string => (change.kind === 'changed' ? change.text : '');
const cf = `O MaxDaemonChildren=20\nO InputMailFilters=other\nXother, S=local:/run/o\n${'Sruleset\nR$*\n'.repeat(50)}`;

const pairs = [
  ['postfix', main, textOf(setUpPostfix(main, endpoints, 3))],
  ['exim', exim, eximAfter()],
  ['sendmail', cf, textOf(setUpSendmail(cf, endpoints))],
] as const;

for (const [server, before, after] of pairs) {
  test(`${server}: without an edit the file is as it was`, () => {
    assert.notEqual(after, '');
    assert.notEqual(after, before);
    assert.equal(takeOut(before, after, after), before);
  });

  test(`${server}: what somebody added elsewhere stays to the byte`, () => {
    const lines = after.split('\n');
    for (let at = 0; at <= lines.length; at++) {
      const edited = lines.toSpliced(at, 0, '# a note of mine\r').join('\n');
      const found = takeOut(before, after, edited);
      // Within our own lines nobody can say what was meant.
      if (found === undefined) continue;
      assert.equal(
        found
          .split('\n')
          .filter((line) => line !== '# a note of mine\r')
          .join('\n'),
        before,
        `at ${at}`,
      );
      assert.equal(found.length, before.length + '# a note of mine\r\n'.length);
    }
    assert.equal(takeOut(before, after, `# top\n${after}`), `# top\n${before}`);
    assert.equal(takeOut(before, after, `${after}# end\n`), `${before}# end\n`);
  });
}

test('where our own lines were edited nothing is taken out', () => {
  const [, before, after] = pairs[0];
  assert.equal(takeOut(before, after, after.replaceAll('timeout=3s', 'timeout=9s')), undefined);
  assert.equal(takeOut(before, after, 'rebuilt\n'), 'rebuilt\n', 'of ours nothing is there');
});

test('any change of lines is taken back, whatever it was', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd', ''), { maxLength: 12 }).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const found = takeOut(before, after, after);
      // A line that is there many times may be found in another place, or not at all; never wrongly in a unique text.
      if (found !== undefined && new Set(after.split('\n')).size === after.split('\n').length)
        assert.equal(found, before);
    }),
    { numRuns: 2000 },
  );
  const unique = fc.uniqueArray(
    fc.string({ minLength: 1, maxLength: 3 }).filter((line) => !line.includes('\n')),
    {
      minLength: 1,
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(unique, fc.nat(12), fc.nat(12), fc.string(), (lines, from, count, added) => {
      const before = lines.join('\n');
      const after = lines.toSpliced(from, count, `ours ${added.replaceAll('\n', ' ')} ours`).join('\n');
      assert.equal(takeOut(before, after, after), before);
    }),
  );
});

test('texts that have nothing to do with each other are not compared for ever', () => {
  const many = (word: string): string => Array.from({ length: 4000 }, (_, at) => `${word} ${at}`).join('\n');
  assert.equal(takeOut(many('a'), many('b'), many('b')), undefined);
});
