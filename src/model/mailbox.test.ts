import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roomBytesOf, shareUsedOf } from './mailbox.ts';
import type { Mailbox } from './mailbox.ts';

const box = (
  usedBytes: number | undefined,
  bytesMax: number | undefined,
  messages?: number,
  messagesMax?: number,
): Mailbox => ({ address: 'a@b.test', usedBytes, bytesMax, messages, messagesMax });

test('the nearer limit counts, and without one there is always room', () => {
  const rows: readonly (readonly [Mailbox, number, number | undefined])[] = [
    [box(0, 100), 100, 0],
    [box(100, 100), 0, 1],
    [box(150, 100), -50, 1.5],
    [box(5, undefined), Infinity, undefined],
    [box(undefined, undefined), Infinity, undefined],
    [box(10, 100, 10, 10), 0, 1],
    [box(90, 100, 5, 10), 10, 0.9],
    [box(10, undefined, 9, 10), Infinity, 0.9],
    [{ ...box(90, 100), graceBytes: 10 }, 20, 0.9],
    [{ ...box(100, 100), graceBytes: 10 }, 0, 1],
  ];
  for (const [mailbox, room, share] of rows)
    assert.deepEqual([roomBytesOf(mailbox), shareUsedOf(mailbox)], [room, share]);
});
