/** The message inside a Postfix queue file, as text: N and L records (L: without a newline), pointers of milters followed. */
import type { ReadAt } from '../../model/queue/message.ts';
import { cursorAt } from './queue-file.ts';

const recordsMax = 5_000_000;
const jumpsMax = 10_000;

/** @returns undefined when it is cut */
export const messageText = (read: ReadAt): string | undefined => {
  const cursor = cursorAt(read, 0);
  const parts: string[] = [];
  let isInside = false;
  let jumps = 0;
  for (let count = 0; count < recordsMax; count++) {
    const record = cursor.take();
    if (record === undefined) return undefined;
    const { type, data } = record;
    if (type === 'X' && isInside) return parts.join('');
    if (type === 'M') isInside = true;
    else if (type === 'p') {
      const target = Number(data.trim());
      if (!Number.isSafeInteger(target) || target < 0 || ++jumps > jumpsMax) return undefined;
      if (target > 0) cursor.jump(target);
    } else if (isInside && type === 'N') parts.push(data, '\n');
    else if (isInside && type === 'L') parts.push(data);
  }
  return undefined;
};
