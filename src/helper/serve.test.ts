/** The helper behind its socket: answers as if it were in the same process, and nothing but a verb gets anything done. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Fault } from '../model/fault.ts';
import type { CarryOut, Verb } from '../model/verb.ts';
import { createAllowance } from './allowance.ts';
import { askHelper } from './ask.ts';
import { createCarryOut } from './carry-out.ts';
import { serveHelper } from './serve.ts';
import { askedIn, decode, encode } from './wire.ts';

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

const served = async (
  play: (scene: { folder: string; socket: string; ask: CarryOut }) => Promise<void>,
): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-socket-'));
  const socket = join(folder, 'helper.sock');
  const serving = await serveHelper(socket, owner, createCarryOut(createAllowance({ roots: [{ path: folder }] })));
  try {
    await play({ folder, socket, ask: askHelper(socket) });
  } finally {
    await serving.stop();
    rmSync(folder, { recursive: true });
  }
};

test('verbs and faults come back as they are in one process', async () => {
  await served(async ({ folder, socket, ask }) => {
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    const path = join(folder, 'map');
    writeFileSync(path, 'one \xff\n', 'latin1');
    const seen = await ask({ verb: 'read-file', path });
    assert.equal(Buffer.from(seen?.bytes ?? []).toString('latin1'), 'one \xff\n');
    const replace = { verb: 'replace-file', path, expected: seen?.bytes, content: Buffer.from('two') } as const;
    assert.equal(await ask(replace), undefined);
    await assert.rejects(
      ask(replace),
      (error) => error instanceof Fault && error.message.includes('changed meanwhile'),
    );
    const refused = (error: unknown): boolean => error instanceof Fault && error.code === 'REFUSED_FOR_SAFETY';
    await assert.rejects(ask({ verb: 'read-file', path: '/etc/shadow' }), refused);
    const [loopback, other] = await ask({ verb: 'who-protects', subjects: ['127.0.0.1', '203.0.113.7'] });
    assert.deepEqual([loopback?.why, other], ['loopback', undefined]);
    const many = await Promise.all(Array.from({ length: 50 }, () => ask({ verb: 'read-file', path })));
    assert.ok(many.every((each) => Buffer.from(each?.bytes ?? []).toString() === 'two'));
  });
});

test('a helper that is not there, or goes away, is said to be so', async () => {
  const ask = askHelper('/nonexistent/helper.sock');
  await assert.rejects(ask({ verb: 'read-file', path: '/etc/postfix/main.cf' }), /helper at .* is not there/);
});

test('what is no verb is refused, and the next line is answered all the same', async () => {
  await served(async ({ socket }) => {
    const client = createConnection({ path: socket });
    client.write('{"id":1,"verb":{"verb":"run","program":"bash","args":[]}}\n\u0000\n{"id":2,"verb":{"verb":"who-');
    client.write('protects","subjects":[]}}\n');
    let text = '';
    while (text.split('\n').length < 4) text += String((await once(client, 'data'))[0]);
    client.destroy();
    const lines = text.trim().split('\n').map(decode);
    assert.deepEqual(lines, [
      { id: 0, code: 'REFUSED_FOR_SAFETY', message: 'that is no verb' },
      { id: 0, code: 'REFUSED_FOR_SAFETY', message: 'that is no verb' },
      { id: 2, answer: [] },
    ]);
  });
});

test('who asks and does not read what is answered is not heard any further', async () => {
  await served(async ({ folder, socket, ask }) => {
    const [path, last] = [join(folder, 'large'), join(folder, 'last')];
    writeFileSync(path, Buffer.alloc(256 * 1024));
    const client = createConnection({ path: socket });
    client.pause();
    const line = (verb: Verb): string => `${encode({ id: 1, verb })}${' '.repeat(20_000)}\n`;
    const count = 100;
    for (let sent = 0; sent < count; sent++) client.write(line({ verb: 'read-file', path }));
    client.write(line({ verb: 'replace-file', path: last, expected: undefined, content: Buffer.from('done') }));
    // It is heard in another session meanwhile, so it has taken from this one what it takes.
    for (let asked = 0; asked < count; asked++) await ask({ verb: 'read-file', path: last });
    assert.equal(existsSync(last), false, 'all was carried out, for nobody');
    let lines = 0;
    client.on('data', (chunk: Buffer) => (lines += chunk.filter((byte) => byte === 10).length));
    client.resume();
    while (lines <= count) await once(client, 'data');
    client.destroy();
    assert.equal(existsSync(last), true);
  });
});

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined });
const verbs: fc.Arbitrary<Verb> = fc.oneof(
  fc.record({ verb: fc.constant('read-file' as const), path: fc.string() }),
  fc.record({ verb: fc.constant('replace-file' as const), path: fc.string(), expected: bytes, content: bytes }),
  fc.record({
    verb: fc.constant('run' as const),
    program: fc.constantFrom('nft' as const, 'postmap' as const),
    args: fc.array(fc.string()),
    input: fc.string({ unit: 'binary' }),
  }),
  fc.record({ verb: fc.constant('who-protects' as const), subjects: fc.array(fc.string()) }),
  fc.record({
    verb: fc.constant('account-command' as const),
    does: fc.constantFrom('lock' as const, 'unlock' as const, 'status' as const),
    account: fc.string(),
  }),
  fc.record({ verb: fc.constant('look-files' as const), paths: fc.array(fc.string()), startBytes: fc.nat() }),
  fc.record({
    verb: fc.constant('keep-files' as const),
    evidence: fc.string(),
    paths: fc.array(fc.string()),
    notes: fc.array(fc.tuple(fc.string(), fc.string())),
  }),
  fc.record({ verb: fc.constant('remove-kept' as const), evidence: fc.string(), paths: fc.array(fc.string()) }),
  fc.record({
    verb: fc.constant('restore-kept' as const),
    evidence: fc.string(),
    paths: fc.array(fc.string()),
    unlessNoted: fc.string(),
  }),
);

test('every verb survives the wire, and no other document becomes one', () => {
  fc.assert(
    fc.property(verbs, (verb) => {
      const asked = askedIn(encode({ id: 7, verb }))?.verb;
      assert.deepEqual(JSON.parse(encode(asked)), JSON.parse(encode(verb)));
    }),
  );
  let refused = 0;
  fc.assert(
    fc.property(fc.json(), fc.object(), fc.string(), (document, verb, line) => {
      for (const each of [document, encode({ id: 1, verb }), line, `{"id":1,"verb":${document}}`])
        if (askedIn(each) === undefined) refused++;
        else assert.fail(`taken for a verb: ${each}`);
    }),
  );
  assert.ok(refused > 0);
});
