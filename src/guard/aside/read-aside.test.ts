import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Event } from '../../model/event.ts';
import { Fault } from '../../model/fault.ts';
import { utcZone } from '../../protocols/syslog/zone.ts';
import { readLogs } from '../read-logs.ts';
import { readAside } from './read-aside.ts';

const fixture = join(import.meta.dirname, '../../../test/fixtures/postfix/provoked-iso.log');
const now = Date.UTC(2026, 10, 21);

/** A log that is long enough for a thread. */
const longLog = (context: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-aside-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'mail.log');
  const once = readFileSync(fixture, 'latin1');
  writeFileSync(path, once.repeat(Math.ceil((9 * 1024 * 1024) / once.length)), 'latin1');
  return path;
};

test('a thread reads what would be read here, in the same order, and reports the same', async (context) => {
  const options = { paths: [longLog(context)], zone: utcZone, now };
  const here: Event[] = [];
  const files = await readLogs(options, (event) => here.push(event));
  assert.ok(here.length > 10_000, `${here.length} events`);
  let at = 0;
  let shown = 0;
  const aside = await readAside({ ...options, onProgress: () => shown++ }, (event) => {
    assert.deepEqual(event, { ...here[at++], session: undefined, text: undefined });
  });
  assert.equal(at, here.length);
  assert.deepEqual(aside, files);
  assert.ok(shown > 0);
});

test('a thread stops when it is told to, and says how far it came', async (context) => {
  const stop = new AbortController();
  const path = longLog(context);
  let told = 0;
  const [file] = await readAside({ paths: [path], zone: utcZone, now, signal: stop.signal }, () => {
    if (++told === 1000) stop.abort();
  });
  assert.ok(file !== undefined && file.events >= 1000 && file.bytes < 9 * 1024 * 1024, JSON.stringify(file));
});

test('what goes wrong while judging is thrown to who asked, and a file that cannot be looked at is a fault', async (context) => {
  const path = longLog(context);
  const judging = readAside({ paths: [path], zone: utcZone, now }, () => {
    throw new RangeError('as if a detector failed');
  });
  await assert.rejects(judging, RangeError);
  symlinkSync(`${path}.loop`, `${path}.loop`);
  for (const other of [`${path}.gone`, `${path}.loop`, `${path}/in-a-file`])
    await assert.rejects(
      async () => readAside({ paths: [path, other], zone: utcZone, now }, () => undefined),
      (error) => error instanceof Fault && error.code === 'INPUT_UNREADABLE' && error.message.includes(other),
    );
});
