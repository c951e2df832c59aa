/** Mail in a queue of the lab: handed in, listed, and each message's files byte for byte. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { QueueWanted } from '../../../src/act/queue-memory.ts';
import { createSelection } from '../../../src/guard/queue/deeds.ts';
import type { QueuedMessage } from '../../../src/model/queue/message.ts';
import { walkSpool } from '../../../src/sense/queue/walk.ts';
import { until } from '../lab/await.ts';
import { dialSmtp } from '../lab/dialogue.ts';
import type { Place } from './places.ts';

/** Real submissions in one session: `who` writes to `to0`, `to1`, … */
export const submit = async (address: string, who: string, to: string, count: number): Promise<void> => {
  const smtp = await dialSmtp({ from: '203.0.113.7', to: address, port: 587 });
  await smtp.say('EHLO client.test', 250);
  await smtp.authPlain(`${who}@lab.test`, `${who}pw`, 235);
  for (let at = 0; at < count; at++)
    await smtp.send(`${who}@lab.test`, [`${to}${at}@remote.test`], `Subject: ${to} ${at}\n\n.dot\nFrom ${at}\n\xfc`);
  await smtp.quit();
};

export const list = async ({ spool }: Pick<Place, 'spool'>): Promise<QueuedMessage[]> => {
  const messages: QueuedMessage[] = [];
  const walked = await walkSpool(spool, (message) => messages.push(message));
  assert.deepEqual(walked.damaged, []);
  return messages;
};

const heldIn = ['hold', 'frozen', 'quarantined'];
export const isHeld = ({ queue }: QueuedMessage): boolean => heldIn.includes(queue);
const isQuiet = (message: QueuedMessage): boolean =>
  message.queue === 'deferred' || message.queue === 'queued' || isHeld(message);

/** Waits until so many wait and none is on its way. */
export const settled = async (place: Pick<Place, 'spool'>, count: number): Promise<QueuedMessage[]> => {
  let messages: QueuedMessage[] = [];
  await until(
    () => `${count} that wait, not ${messages.map(({ id, queue }) => `${id} ${queue}`).join(', ')}`,
    async () => {
      messages = await list(place);
      return messages.length >= count && messages.every(isQuiet);
    },
  );
  return messages;
};

/** Waits until all have left. @param push tried before each look */
export const emptied = async (
  place: Pick<Place, 'spool'>,
  push = (): Promise<void> => Promise.resolve(),
): Promise<void> => {
  let messages: QueuedMessage[] = [];
  await until(
    () => `all of it goes out, but ${messages.map(({ id, queue }) => `${id} ${queue}`).join(', ')}`,
    async () => {
      await push();
      messages = await list(place);
      return messages.length === 0;
    },
  );
};

/** Every file of every message: envelope and text, by id and kind, whatever queue it stands in. */
export const bytesOf = (messages: readonly QueuedMessage[]): ReadonlyMap<string, string> => {
  const files = new Map<string, string>();
  for (const { id, path } of messages) {
    files.set(`${id} envelope`, readFileSync(path, 'latin1'));
    const text = path.replace(/-H$/, '-D').replace(/\/[qh]f([^/]+)$/, '/df$1');
    if (text !== path) files.set(`${id} text`, readFileSync(text, 'latin1'));
  }
  return files;
};

export const wantedOf = ({ spool }: Pick<Place, 'spool'>, messages: readonly QueuedMessage[]): QueueWanted => {
  const selection = createSelection();
  for (const message of messages) selection.add(message, spool);
  const [wanted] = selection.wanted();
  return wanted ?? assert.fail('nothing was selected');
};
