/** Standard output for long results: written in blocks, waits when the reader is slow, and a closed pipe is no error. */
import { once } from 'node:events';
import { faultCodes } from '../model/fault.ts';

const blockBytes = 64 * 1024;

export type Output = {
  readonly line: (text: string) => void;
  /** Waits until everything so far went out. */ readonly flush: () => Promise<void>;
};

/** For commands that only read: whoever closes the pipe (`postern parse … | head`) has enough, and nothing goes on for nobody. */
export const createOutput = (stream: NodeJS.WriteStream): Output => {
  stream.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? 0 : faultCodes.PARTLY_DONE),
  );
  let block = '';
  let full = false;
  const write = (): void => {
    if (block === '') return;
    full = !stream.write(block);
    block = '';
  };
  return {
    line: (text) => {
      block += `${text}\n`;
      if (block.length >= blockBytes) write();
    },
    flush: async () => {
      write();
      if (!full) return;
      await once(stream, 'drain');
      full = false;
    },
  };
};

/**
 * A closed pipe (`postern block … | head`) ends no deed half-way, and is no error; a full disk is one, said once.
 * @returns whether all could be written so far
 */
export const watchWriting = (stream: NodeJS.WriteStream): (() => boolean) => {
  let isWhole = true;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || !isWhole) return;
    isWhole = false;
    process.stderr.write(`postern: the result could not be written: ${error.message}\n`);
  });
  return () => isWhole;
};
