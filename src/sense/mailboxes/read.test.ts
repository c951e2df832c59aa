import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { maildirsizeBytesMax } from '../../servers/quota/maildirsize.ts';
import { readMaildirs, readMboxes } from './read.ts';
import { walkMailboxes } from './walk.ts';

const folderIn = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-mailboxes-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
};
const maildir = (path: string, content: string): void => {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'maildirsize'), content);
};

test('mailboxes behind a pattern, whatever else lies there', (t) => {
  const folder = folderIn(t);
  for (const path of ['anna/mail/a.test/x', 'anna/mail/b.test/Y', 'ben/mail/a.test/z', 'ben/mail/.trash/q'])
    mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, 'ben/mail/passwd'), '');
  const found = walkMailboxes(`${folder}/*/mail/%d/%n`);
  assert.deepEqual(
    found.map(({ path, address }) => [path.slice(folder.length), address]),
    [
      ['/anna/mail/a.test/x', 'x@a.test'],
      ['/anna/mail/b.test/Y', 'y@b.test'],
      ['/ben/mail/a.test/z', 'z@a.test'],
    ],
  );
  assert.deepEqual(walkMailboxes(`${folder}/nobody/%n`), []);
});

test('pipes, links and endless files that a user has put there hold nobody up', (t) => {
  const folder = folderIn(t);
  maildir(join(folder, 'good'), '100S\n10 1\n');
  maildir(join(folder, 'long'), `100S\n${'1 1\n'.repeat(maildirsizeBytesMax)}`);
  mkdirSync(join(folder, 'pipe'));
  execFileSync('/usr/bin/mkfifo', [join(folder, 'pipe/maildirsize')]);
  mkdirSync(join(folder, 'link'));
  symlinkSync(join(folder, 'good/maildirsize'), join(folder, 'link/maildirsize'));
  mkdirSync(join(folder, 'folder/maildirsize'), { recursive: true });
  const { mailboxes, unknown } = readMaildirs(`${folder}/%n`);
  assert.deepEqual(
    mailboxes.map(({ address, bytesMax }) => [address, bytesMax]),
    [
      ['folder', undefined],
      ['good', 100],
      ['pipe', undefined],
    ],
  );
  assert.deepEqual(
    unknown.map((why) => why.slice(folder.length)),
    ['/link: ELOOP', '/long: it cannot be made out'],
  );
});

test('an mbox is as full as it is long', (t) => {
  const folder = folderIn(t);
  writeFileSync(join(folder, 'anna'), 'x'.repeat(70));
  symlinkSync('/etc/passwd', join(folder, 'linked'));
  const { mailboxes, unknown } = readMboxes(`${folder}/%n`, 100);
  assert.deepEqual(
    mailboxes.map(({ address, usedBytes, bytesMax }) => [address, usedBytes, bytesMax]),
    [['anna', 70, 100]],
  );
  assert.deepEqual(
    unknown.map((why) => why.slice(folder.length)),
    ['/linked: it cannot be made out'],
  );
});
