import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { Fault } from '../../model/fault.ts';
import { openLog } from './open.ts';

const directory = mkdtempSync(join(tmpdir(), 'postern-open-'));
after(() => rmSync(directory, { recursive: true }));

const text = Array.from({ length: 50_000 }, (_, at) => `line ${at} \0 \xff\n`).join('');
const bytes = Buffer.from(text, 'latin1');

const readAll = async (name: string, content: Buffer): Promise<{ got: string; problem: string | undefined }> => {
  const path = join(directory, name);
  writeFileSync(path, content);
  const log = await openLog(path);
  let got = '';
  for await (const chunk of log.chunks) got += chunk;
  return { got, problem: log.problem() };
};
const through = (program: string): Buffer => execFileSync(program, ['-c'], { input: bytes, maxBuffer: 1 << 26 });

test('plain and compressed logs are known by their content, whatever their name', async () => {
  const forms = {
    plain: bytes,
    gzip: gzipSync(bytes),
    zstd: zstdCompressSync(bytes),
    members: Buffer.concat([gzipSync(bytes.subarray(0, 999)), gzipSync(bytes.subarray(999))]),
  };
  for (const [name, content] of Object.entries(forms))
    assert.deepEqual(await readAll(`${name}.log`, content), { got: text, problem: undefined }, name);
});

test('xz and bzip2 by their programs', async (t) => {
  for (const program of ['xz', 'bzip2']) {
    let content: Buffer;
    try {
      content = through(program);
    } catch {
      t.diagnostic(`${program} is not installed here`);
      continue;
    }
    assert.deepEqual(await readAll(`log.${program}`, content), { got: text, problem: undefined }, program);
  }
});

test('what comes before a cut is given, and the cut is told', async () => {
  const whole = gzipSync(bytes, { level: 0 });
  const { got, problem } = await readAll('cut.gz', whole.subarray(0, whole.length / 2));
  assert.ok(got.length > 1000 && text.startsWith(got));
  assert.match(problem ?? '', /stopped at byte/);
  assert.deepEqual(await readAll('empty', Buffer.alloc(0)), { got: '', problem: undefined });
});

test('what cannot be opened says what, where and what to do', async () => {
  for (const path of [join(directory, 'missing'), directory]) {
    await assert.rejects(
      openLog(path),
      (error: unknown) => error instanceof Fault && error.code === 'INPUT_UNREADABLE' && error.message.includes(path),
    );
  }
});

test('a program that is not installed is told, and ends nothing else', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = directory;
  try {
    const xz = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, ...bytes.subarray(0, 100)]);
    const { got, problem } = await readAll('log.xz', xz);
    assert.equal(got, '');
    assert.match(problem ?? '', /the program xz is needed to read this file/);
    const journal = await openLog('journal');
    for await (const chunk of journal.chunks) assert.fail(chunk);
    assert.match(journal.problem() ?? '', /the journal: .*journalctl/);
  } finally {
    process.env['PATH'] = path;
  }
});
