/** `postern queue` as a postmaster meets it, on copies of real queue files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const fixtures = join(import.meta.dirname, '../../test/fixtures/queue');
const top = mkdtempSync(join(tmpdir(), 'postern-queue-cli-'));
after(() => rmSync(top, { recursive: true }));

const [exim, sendmail] = [join(top, 'exim'), join(top, 'mqueue')];
for (const id of ['1xUcyd-00001I-1P', '1xUcyd-00001R-1V']) {
  mkdirSync(join(exim, 'input/d'), { recursive: true });
  cpSync(join(fixtures, `exim/${id}-H`), join(exim, `input/d/${id}-H`));
}
mkdirSync(sendmail);
cpSync(join(fixtures, 'sendmail/qf6AL4iapx000310'), join(sendmail, 'qf6AL4iapx000310'));
writeFileSync(join(sendmail, 'qf6AL4iaZZ000999'), 'V8\nrubbish');
const log = join(top, 'mail.log');
writeFileSync(
  log,
  '2026-11-21T04:44:36+00:00 mx sm-mta[310]: AUTH=server, relay=h [203.0.113.7], authid=alice@lab.test, mech=PLAIN, bits=0\n' +
    '2026-11-21T04:44:36+00:00 mx sm-mta[310]: 6AL4iapx000310: from=<alice@lab.test>, size=18, class=0, nrcpts=2, msgid=<one@x>, proto=ESMTPA, daemon=MSA, relay=h [203.0.113.7]\n',
);
const spools = `--spool=${exim},${sendmail}`;

const run = (...args: readonly string[]): { status: number | null; out: string; err: string } => {
  const env = { ...process.env, TZ: 'UTC', NO_COLOR: '1' };
  const child = spawnSync(process.execPath, ['src/cli/main.ts', 'queue', ...args], { encoding: 'utf8', env });
  return { status: child.status, out: child.stdout, err: child.stderr };
};

test('the queue for people and for programs, with what cannot be read', () => {
  const text = run(spools, '--by', 'account,user,script,reason');
  assert.equal(text.status, 0);
  assert.match(text.out, /3 messages for 5 recipients/);
  assert.match(text.out, /forged sender 50 % of the 2/);
  assert.match(text.out, /www-data \(33\)/);
  assert.match(text.err, /6AL4iaZZ000999 cannot be read/);
  const { totals, groups, damagedCount } = JSON.parse(run(spools, '--json', '--by', 'account').out);
  assert.deepEqual([totals.messages, groups[0].groups[0].key, damagedCount], [3, 'alice@lab.test', 1]);
});

test('a log says who handed in what Sendmail does not name', () => {
  const { groups } = JSON.parse(run(spools, '--json', '--by', 'account', '--log', log).out);
  assert.equal(groups[0].groups[0].messages, 2);
  const traced = run('trace', '6AL4iapx000310', log, spools);
  assert.match(traced.out, /handed in by the account alice@lab\.test from 203\.0\.113\.7/);
  assert.equal(run('trace', 'nosuch', log, spools).status, 3);
});

test('one message, and all of them a line each', () => {
  assert.match(run('show', '1xUcyd-00001R-1V', spools).out, /33:mailer\.php/);
  assert.equal(run('show', 'nosuch', spools).status, 3);
  const lines = run('snapshot', spools, '--where', 'server = exim').out.trim().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).id),
    ['1xUcyd-00001I-1P', '1xUcyd-00001R-1V'],
  );
});

test('what is wrong says so, and nothing is done without being asked', () => {
  const state = `--state=${join(top, 'state')}`;
  const rows = [
    [['--by', 'acount', spools], 2, /did you mean account/],
    [['--top', 'x', spools], 2, /whole number/],
    [['--where', 'acount = x', spools], 2, /did you mean account\?\n.*acount = x\n.*\^/],
    [['shwo', spools], 2, /expected show ID/],
    [['show', spools], 2, /which message/],
    [['--spool', '/nowhere'], 2, /no such directory/],
    [['hold', spools, state], 2, /there is no "all"/],
    [['purge', '--where', 'account ~ alice', spools, state], 4, /add --yes/],
  ] as const;
  for (const [args, status, words] of rows) {
    const result = run(...args);
    assert.equal(result.status, status, `${args.join(' ')}: ${result.err}`);
    assert.match(result.err, words);
  }
  const dry = run('purge', '--where', 'account ~ alice', '--dry-run', spools, state);
  assert.equal(dry.status, 0);
  assert.match(dry.err, /purge would take:\n1 message /);
  assert.match(run('hold', '--where', 'account = nobody', spools, state).out, /no message in the queue fits/);
  // A queue outside the places that the configuration allows is not touched.
  const refused = run('hold', '--yes', '--where', 'account ~ alice', spools, state);
  assert.equal(refused.status, 4, refused.err);
});
