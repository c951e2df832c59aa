import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Event } from '../model/event.ts';
import { localZone } from '../protocols/syslog/zone.ts';
import { readLive } from './live-log.ts';
import type { LogPosition } from './snapshot.ts';

const stamp = '2026-11-21T03:00:00.000000+00:00 mx';
const submitted = `${stamp} postfix/submission/smtpd[7]: 4hPxQHV2mp7Z0nr: client=unknown[203.0.113.9], sasl_method=PLAIN, sasl_username=nicole\n`;
const queued = `${stamp} postfix/qmgr[3]: 4hPxQHV2mp7Z0nr: from=<nicole@lab.test>, size=300, nrcpt=1 (queue active)\n`;
const bounced = `${stamp} postfix/smtp[9]: 4hPxQHV2mp7Z0nr: to=<gone@remote.test>, relay=mx.remote.test[198.51.100.1]:25, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (host said: 550 5.1.1 no such user)\n`;

test('a bounce after a restart is charged to the account that handed the message in before, and nothing is told twice', async () => {
  for (const rotate of [false, true]) {
    const folder = mkdtempSync(join(tmpdir(), 'postern-live-'));
    const path = join(folder, 'mail.log');
    let position: LogPosition | undefined;
    const follow = (told: Event[]) =>
      readLive({
        path,
        zone: localZone,
        position,
        tell: (event) => told.push({ ...event }),
        onPosition: (behind) => (position = behind),
        onProblem: (problem) => assert.fail(problem),
      });
    const before: Event[] = [];
    const first = follow(before);
    appendFileSync(path, submitted + queued);
    await first.caughtUp();
    await first.stop();
    assert.ok(before.length > 0 && position !== undefined);

    if (rotate) renameSync(path, `${path}.1`);
    appendFileSync(path, bounced);
    const after: Event[] = [];
    const second = follow(after);
    await second.caughtUp();
    await second.stop();
    rmSync(folder, { recursive: true });
    assert.deepEqual(
      after.map(({ kind, outcome, account, client }) => [kind, outcome, account, client]),
      [['delivery', 'bounced', 'nicole', '203.0.113.9']],
      rotate ? 'rotated' : 'the same file',
    );
  }
});

test('a line that cannot be judged costs no other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-live-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'mail.log');
  const problems: string[] = [];
  const told: Event[] = [];
  let position: LogPosition | undefined;
  const following = readLive({
    path,
    zone: localZone,
    position: undefined,
    tell: (event) => {
      if (event.account === 'nicole') throw new RangeError('as if a detector failed');
      told.push({ ...event });
    },
    onPosition: (behind) => (position = behind),
    onProblem: (problem) => problems.push(problem),
  });
  const other = submitted.replace('nicole', 'alice').replace('4hPxQHV2mp7Z0nr', '4hPxQHV2mp7Z0ns');
  appendFileSync(path, submitted + other + submitted);
  await following.caughtUp();
  await following.stop();
  assert.deepEqual(
    told.map(({ account }) => account),
    ['alice'],
  );
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /as if a detector failed/);
  assert.ok(position !== undefined && 'offset' in position);
  assert.equal(position.offset, Buffer.byteLength(submitted + other + submitted));
});
