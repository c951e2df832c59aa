/** `postern gate check`: what an outsider could do at Postfix as Debian has it, and at the gate in front of it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { defaultGateLimits } from '../../../src/sense/gate/limits.ts';
import { labClosed } from '../lab/door.ts';
import { startPostfix } from '../lab/postfix.ts';
import { startWorld } from '../lab/world.ts';
import { behind, openGate, port } from './scene.ts';

const main = join(import.meta.dirname, '../../../src/cli/main.ts');

/** @returns its exit status, and the state of each finding */
const check = async (at: string): Promise<readonly [number, Readonly<Record<string, string>>]> => {
  const args = ['gate', 'check', at, '--from', '203.0.113.9', '--recipient', 'alice@lab.test', '--message', '--json'];
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const { findings }: { findings: { id: string; state: string }[] } = JSON.parse(printed);
  return [Number(status), Object.fromEntries(findings.map(({ id, state }) => [id, state]))];
};

test('what is wrong with the server behind is not wrong with the gate', { skip: labClosed }, async (t) => {
  await using world = await startWorld();
  assert.ok(world);
  await using postfix = await startPostfix({
    mainCf: {
      smtpd_authorized_xclient_hosts: '127.0.0.0/8, 192.0.2.0/24',
      smtpd_client_event_limit_exceptions: '0.0.0.0/0',
      smtpd_recipient_restrictions: '',
    },
  });
  const good = { 'open-relay': 'proven', 'auth-without-tls': 'proven', vrfy: 'proven', 'bare-newline': 'proven' };
  const bad = { 'bare-newline': 'wrong' };
  const [status, direct] = await check(`${postfix.address}:25`);
  assert.deepEqual([status, { ...direct, ...bad }], [5, direct]);
  await openGate(t, {
    backend: behind(postfix.address),
    limits: { ...defaultGateLimits, connectionsPerMinute: 0, unknownBeforeDelay: 0 },
  });
  const [, guarded] = await check(`127.0.0.1:${port}`);
  assert.deepEqual({ ...guarded, ...good }, guarded);
  assert.equal(guarded['unknown-recipients'], 'proven');
});
