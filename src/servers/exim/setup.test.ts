import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setUpExim } from './setup.ts';
import type { EximFile } from './setup.ts';

const include = '/etc/exim4/postern.acl';
const single = (text: string) => ({ files: [{ path: '/etc/exim4/exim4.conf', text }], include });
const changed = (layout: Parameters<typeof setUpExim>[0]): readonly EximFile[] => {
  const change = setUpExim(layout);
  assert.ok(change.kind === 'changed');
  return change.files;
};

test('Exim: each stage asks, in its own ACL or in ours', () => {
  const conf = 'acl_smtp_rcpt = acl_check_rcpt\n\nbegin acl\n\nacl_check_rcpt:\n  accept\n\nbegin routers\n';
  const text = changed(single(conf))[0]?.text ?? '';
  assert.match(text, /^acl_check_rcpt:\n {2}require acl = postern_rcpt\n {2}accept/m);
  assert.match(text, /^acl_smtp_connect = postern_connect\n/m);
  assert.match(text, /^acl_smtp_notquit = postern_notquit\nbegin acl\n\n\.include \/etc\/exim4\/postern\.acl\n/m);
  assert.deepEqual(setUpExim(single(text)), { kind: 'nothing' });
  assert.equal(setUpExim(single('begin routers\n')).kind, 'by-hand');
  assert.equal(setUpExim(single(conf.replace('= acl_check_rcpt', '= ${if true{a}{b}}'))).kind, 'by-hand');
});

test('Exim: what is commented out is not set up', () => {
  const conf = `# .include ${include}\n# acl_smtp_rcpt = postern_rcpt\nacl_smtp_rcpt = mine\nbegin acl\nmine:\n  accept\n`;
  const text = changed(single(conf))[0]?.text ?? '';
  assert.match(text, /^\.include /m);
  assert.match(text, /^acl_smtp_connect = postern_connect$/m);
});

const split: readonly EximFile[] = [
  {
    path: 'conf.d/main/02_options',
    text: '.ifndef MAIN_ACL_CHECK_RCPT\nMAIN_ACL_CHECK_RCPT = acl_check_rcpt\n.endif\nacl_smtp_rcpt = MAIN_ACL_CHECK_RCPT\n',
  },
  { path: 'conf.d/acl/00_header', text: '# comment\nbegin acl\n' },
  { path: 'conf.d/acl/30_rcpt', text: 'acl_check_rcpt:\n  accept\n' },
  { path: 'conf.d/router/00_header', text: 'begin routers\n' },
];
const own = { main: 'conf.d/main/99_postern', acl: 'conf.d/acl/01_postern' };

test("Exim: Debian's conf.d gets files of ours and one line in each ACL that is there", () => {
  const files = changed({ files: split, include, own });
  assert.deepEqual(
    files.map(({ path }) => path),
    ['conf.d/acl/30_rcpt', 'conf.d/acl/01_postern', 'conf.d/main/99_postern'],
  );
  assert.equal(files[0]?.text, 'acl_check_rcpt:\n  require acl = postern_rcpt\n  accept\n');
  assert.equal(files[1]?.text, `.include ${include}\n`);
  assert.ok(files[2]?.text.startsWith('acl_smtp_connect = postern_connect\n'));
  const after = [...split, ...files]
    .filter(({ path }, at, all) => all.findLastIndex((file) => file.path === path) === at)
    .toSorted(
      (a, b) => Number(b.path.includes('/main/')) - Number(a.path.includes('/main/')) || (a.path < b.path ? -1 : 1),
    );
  assert.deepEqual(setUpExim({ files: after, include, own }), { kind: 'nothing' });
});

test('Exim: set up again, for a stage that is new, what was set up stays', () => {
  const [, acl, main] = changed({ files: split, include, own });
  assert.ok(acl !== undefined && main !== undefined);
  const older = { ...main, text: main.text.replace('acl_smtp_predata = postern_predata\n', '') };
  assert.notEqual(older.text, main.text);
  const called = split.map(({ path, text }) => ({
    path,
    text: text.replace('acl_check_rcpt:\n', 'acl_check_rcpt:\n  require acl = postern_rcpt\n'),
  }));
  const again = changed({ files: [...called.slice(0, 1), older, ...called.slice(1), acl], include, own });
  assert.deepEqual(again, [{ path: own.main, text: `${older.text}acl_smtp_predata = postern_predata\n` }]);
});

test('Exim: settings go before the first section, whichever it is', () => {
  const conf = 'x = y\n\nbegin routers\n\nbegin acl\nmine:\n  accept\n';
  const text = changed(single(conf))[0]?.text ?? '';
  assert.match(text, /^x = y\n\nacl_smtp_connect = [^]*postern_notquit\nbegin routers\n\nbegin acl\n\n\.include /);
});

test('Exim: limits of a client are set where the configuration says nothing of them', () => {
  const limits = { connectionsAtOnce: 20, connectionsPerMinute: 60 };
  const textOf = (conf: string): string => {
    const change = setUpExim(single(conf), limits);
    assert.ok(change.kind === 'changed');
    return change.files[0]?.text ?? '';
  };
  assert.match(textOf('x = y\nbegin acl\n'), /^smtp_accept_max_per_host = 20\nsmtp_accept_max = 100\nbegin acl/m);
  assert.doesNotMatch(textOf('smtp_accept_max_per_host = 3\nbegin acl\n'), /smtp_accept_max = /);
  assert.doesNotMatch(textOf('smtp_accept_max = 50\nbegin acl\n'), /smtp_accept_max = 100/);
  assert.deepEqual(setUpExim(single(textOf('x = y\nbegin acl\n')), limits), { kind: 'nothing' });
  assert.doesNotMatch(changed(single('begin acl\n'))[0]?.text ?? '', /smtp_accept/);
});
