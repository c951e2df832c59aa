/** Runs a site's own command that lists its mailboxes: no shell, no arguments, a time limit, bounded output. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Fault } from '../../model/fault.ts';
import { readListing } from '../../servers/quota/listing.ts';
import type { Mailboxes } from './read.ts';

const commandMsMax = 30_000;
const outputBytesMax = 64 * 1024 * 1024;

/** @param signal ends it early. @throws Fault INPUT_UNREADABLE when it fails or does not end */
export const runListing = async (path: string, signal?: AbortSignal): Promise<Mailboxes> => {
  try {
    const { stdout } = await promisify(execFile)(path, [], {
      cwd: '/',
      encoding: 'latin1',
      timeout: commandMsMax,
      killSignal: 'SIGKILL',
      maxBuffer: outputBytesMax,
      ...(signal === undefined ? {} : { signal }),
    });
    const { mailboxes, garbage } = readListing(stdout);
    return { mailboxes, unknown: garbage.map((line) => `${path}: line ${line} of its output is no row`) };
  } catch (error) {
    throw new Fault(
      'INPUT_UNREADABLE',
      `${path} did not list the mailboxes: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}`,
      { cause: error },
    );
  }
};
