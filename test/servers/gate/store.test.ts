/** The embedded store on a disk of its own: what is said to be stored is there, whole, however little room there is. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { until } from '../lab/await.ts';
import { runCommand } from '../lab/daemon.ts';
import { labClosed } from '../lab/door.ts';
import { dial, noLimits, openGate, storeAt } from './scene.ts';

const lineOf = `${'x'.repeat(70)}\n`;
const pageBytes = 4096;

/** @returns what was said to the end of the message */
const deliver = async (bytes: number): Promise<number> => {
  const smtp = await dial('203.0.113.1');
  await smtp.say('EHLO client.test', 250);
  await smtp.say('MAIL FROM:<s@remote.test>', 250);
  await smtp.say('RCPT TO:<alice@lab.test>', 250);
  if ((await smtp.say('DATA')).code !== 354) return 451;
  const text = lineOf.repeat(Math.ceil(bytes / lineOf.length)).replaceAll('\n', '\r\n');
  const { code } = await smtp.say(`Subject: whole\r\n\r\n${text}The end\r\n.`);
  await smtp.quit();
  return code;
};

test('a disk that fills up in a message: 451, or all of it is there', { skip: labClosed }, async (t) => {
  const directory = '/run/postern-small';
  mkdirSync(directory);
  await runCommand('mount', ['-t', 'tmpfs', '-o', `size=${64 * pageBytes},mode=0755`, 'tmpfs', directory]);
  t.after(async () => {
    await runCommand('umount', ['-l', directory]);
    rmSync(directory, { recursive: true });
  });
  await openGate(t, { backend: storeAt(directory), limits: noLimits });
  const inbox = join(directory, 'lab.test/alice/new');
  assert.equal(await deliver(100), 250);
  const filler = join(directory, 'filler');
  const codes: number[] = [];
  for (let pages = 50; pages < 64; pages++) {
    try {
      writeFileSync(filler, 'x'.repeat(pages * pageBytes));
    } catch {
      // No room for it at all: then there is none for the message either.
    }
    const before = readdirSync(inbox).length;
    const code = await deliver(6000);
    codes.push(code);
    const names = readdirSync(inbox);
    assert.equal(names.length - before, code === 250 ? 1 : 0, `${pages} pages are taken: ${code}`);
    for (const name of names)
      assert.match(readFileSync(join(inbox, name), 'latin1'), /\r\nThe end\r\n$/, `${pages} pages are taken`);
    for (const name of names.slice(1)) rmSync(join(inbox, name));
    rmSync(filler, { force: true });
  }
  assert.ok(codes.includes(250) && codes.includes(451), codes.join(', '));
  assert.deepEqual(readdirSync(join(directory, 'tmp')), []);
});

test('what a crash left half written goes when it is old enough', { skip: labClosed }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'postern-stale-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const [old, young] = ['old', 'young'].map((name) => join(directory, 'tmp', name));
  assert.ok(old !== undefined && young !== undefined);
  mkdirSync(dirname(old));
  for (const file of [old, young]) writeFileSync(file, 'Subject: half of');
  utimesSync(old, new Date(), new Date(Date.now() - 40 * 3_600_000));
  await openGate(t, { backend: storeAt(directory) });
  assert.equal(await deliver(100), 250);
  await until(
    () => 'the old one is still there',
    () => !existsSync(old),
  );
  assert.ok(existsSync(young));
});
