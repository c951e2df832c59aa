/** Postfix's queue as `postqueue -j` tells it to anybody: for whoever may not read the files (postqueue is set-gid). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter } from 'node:path';
import { Fault } from '../../model/fault.ts';
import type { QueuedMessage } from '../../model/queue/message.ts';
import { createLineCutter } from '../../protocols/lines.ts';
import { readListing } from '../../servers/postfix/queue-listing.ts';
import { emptyWalk, noteDamaged } from './walk.ts';
import type { Walked, WalkOptions } from './walk.ts';

const complaintBytesMax = 500;
/** One message a line, with all its recipients and their reasons. */
const lineBytesMax = 64 * 1024 * 1024;
const searchPath = [process.env['PATH'], '/usr/sbin', '/usr/local/sbin'].join(delimiter);

/** @throws Fault INPUT_UNREADABLE when postqueue is not here or fails */
export const walkListing = async (
  tell: (message: QueuedMessage) => void,
  { onProgress, signal }: WalkOptions = {},
): Promise<Walked> => {
  const walked = emptyWalk();
  const cutter = createLineCutter((line) => {
    const result = readListing(line);
    if (result.kind === 'damaged') return noteDamaged(walked, 'postqueue -j', result.why);
    walked.messages++;
    tell(result.message);
  }, lineBytesMax);
  const child = spawn('postqueue', ['-j'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: searchPath },
    ...(signal !== undefined && { signal }),
  });
  const ended = once(child, 'close').catch((error: unknown) => [error]);
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => {
    complaint = (complaint + text.toString('latin1')).slice(0, complaintBytesMax);
  });
  for await (const chunk of child.stdout.setEncoding('latin1')) {
    cutter.feed(String(chunk));
    onProgress?.(walked);
  }
  const [status]: unknown[] = await ended;
  if (status !== 0 && signal?.aborted !== true)
    throw new Fault(
      'INPUT_UNREADABLE',
      `cannot list Postfix's queue: postqueue -j: ${complaint.trim() || String(status)}`,
    );
  return walked;
};
