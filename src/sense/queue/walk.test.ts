/** Walking directories as the servers lay them out, filled with their real files. */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '../../model/fault.ts';
import type { QueuedMessage } from '../../model/queue/message.ts';
import { namedSpool } from './spool.ts';
import { walkSpool } from './walk.ts';
import type { Walked } from './walk.ts';

const fixtures = join(import.meta.dirname, '../../../test/fixtures/queue');

const inSpool = async (use: (root: string) => Promise<void>): Promise<void> => {
  const root = mkdtempSync(join(tmpdir(), 'postern-spool-'));
  try {
    await use(root);
  } finally {
    rmSync(root, { recursive: true });
  }
};

const place = (from: string, to: string, mode = 0o700): void => {
  mkdirSync(join(to, '..'), { recursive: true });
  cpSync(join(fixtures, from), to);
  chmodSync(to, mode);
};

const walk = async (root: string): Promise<{ messages: QueuedMessage[]; walked: Walked }> => {
  const messages: QueuedMessage[] = [];
  const walked = await walkSpool(namedSpool(root), (message) => messages.push(message));
  return { messages, walked };
};

const postfix = (root: string): void => {
  for (const queue of ['incoming', 'active', 'deferred', 'hold', 'defer']) mkdirSync(join(root, queue));
};

test('Postfix: hashed and flat queues, the reason from the defer log, what is still being written left out', async () => {
  await inSpool(async (root) => {
    postfix(root);
    place('postfix/4jWfkR60Vjzbp', join(root, 'hold/4jWfkR60Vjzbp'));
    place('postfix/4jWfkR60Vjzbp.defer', join(root, 'defer/C/4jWfkR60Vjzbp'));
    place('postfix/4jWfkR64fTzbr', join(root, 'deferred/D/4jWfkR64fTzbr'));
    place('postfix/4jWfkR6Mxpzc2', join(root, 'incoming/4jWfkR6Mxpzc2'), 0o600);
    writeFileSync(join(root, 'deferred/README.txt'), 'no queue file');
    const { messages, walked } = await walk(root);
    assert.deepEqual(
      messages.map(({ id, queue }) => [id, queue]),
      [
        ['4jWfkR64fTzbr', 'deferred'],
        ['4jWfkR60Vjzbp', 'hold'],
      ],
    );
    assert.match(
      messages[1]?.recipients[0]?.reason ?? '',
      /451 4\.3\.2/,
      'the defer log is hashed, the hold queue is not',
    );
    assert.deepEqual([walked.messages, walked.moving], [2, 1]);
  });
});

test('a message that moves on while it is read is told once', async () => {
  await inSpool(async (root) => {
    postfix(root);
    place('postfix/4jWfkR60Vjzbp', join(root, 'active/4jWfkR60Vjzbp'));
    place('postfix/4jWfkR60Vjzbp', join(root, 'deferred/C/4jWfkR60Vjzbp'));
    assert.equal((await walk(root)).messages.length, 1);
  });
});

test('Exim and Sendmail: split directories, sizes with the text, every kind of queue', async () => {
  await inSpool(async (root) => {
    place('exim/1xUcyd-00001I-1P-H', join(root, 'input/d/1xUcyd-00001I-1P-H'));
    place('exim/1xUcyd-00001I-1P.msglog', join(root, 'msglog/d/1xUcyd-00001I-1P'));
    writeFileSync(join(root, 'input/d/1xUcyd-00001I-1P-D'), `1xUcyd-00001I-1P-D\n${'x'.repeat(18)}`);
    const { messages } = await walk(root);
    assert.equal(messages[0]?.sizeBytes, 256);
    assert.match(messages[0]?.recipients[0]?.reason ?? '', /451 4\.3\.2/);
  });
  await inSpool(async (root) => {
    place('sendmail/qf6AL4iapx000310', join(root, 'qf/qf6AL4iapx000310'));
    place('sendmail/qf6AL4iajd000321', join(root, 'qf/hf6AL4iajd000321'));
    mkdirSync(join(root, 'df'));
    writeFileSync(join(root, 'df/df6AL4iapx000310'), 'eighteen bytes ...');
    writeFileSync(join(root, 'qf/qf6AL4iaXX000999'), '');
    const { messages, walked } = await walk(root);
    assert.deepEqual(
      new Set(messages.map(({ queue, sizeBytes }) => `${queue} ${sizeBytes}`)),
      new Set(['queued 725', 'quarantined undefined']),
    );
    assert.equal(walked.moving, 1, 'Sendmail makes the file before it writes it');
  });
});

test('what vanishes is normal, what is damaged is named, what may not be read is a fault', async () => {
  await inSpool(async (root) => {
    postfix(root);
    for (let at = 0; at < 300; at++)
      place('postfix/4jWfkR60Vjzbp', join(root, `deferred/${at % 10}/A${1_000_000 + at}`));
    writeFileSync(join(root, 'deferred/9/ABCDEF123'), 'rubbish', { mode: 0o700 });
    let isFirst = true;
    const walked = await walkSpool(namedSpool(root), () => {
      if (isFirst) for (let at = 0; at < 300; at += 10) unlinkIfThere(join(root, `deferred/0/A${1_000_000 + at}`));
      isFirst = false;
    });
    assert.equal(walked.messages + walked.moving, 300);
    assert.ok(walked.moving >= 28, `${walked.moving} had left`);
    assert.deepEqual(walked.damaged, [{ id: 'ABCDEF123', why: 'its envelope ends before the message' }]);
  });
  assert.throws(() => namedSpool('/nowhere/at/all'), Fault);
  assert.throws(() => namedSpool('/etc'), Fault);
});

const unlinkIfThere = (path: string): void => {
  try {
    unlinkSync(path);
  } catch {
    // read and gone already
  }
};
