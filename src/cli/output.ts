/** Standard output for long results: written in blocks, waits when the reader is slow, and a closed pipe is no error. */
import { once } from 'node:events';

const blockBytes = 64 * 1024;

export type Output = {
  readonly line: (text: string) => void;
  /** Waits until everything so far went out. */ readonly flush: () => Promise<void>;
};

export const createOutput = (stream: NodeJS.WriteStream): Output => {
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

/** `postern parse … | head`: the reader has enough, we are done. */
export const endQuietlyWhenClosed = (stream: NodeJS.WriteStream): void => {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
};
