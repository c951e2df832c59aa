/**
 * What a message may look like while it streams through: the size of its header, the length of its lines, and how often it was
 * received already (a loop: RFC 5321 §6.3). Nothing of it is kept but its head, for who looks at the session later.
 */
import type { Buffer } from 'node:buffer';

export type MessageLimits = {
  /** 0: no limit; for each. */
  readonly headerBytesMax: number;
  readonly lineBytesMax: number;
  readonly hopsMax: number;
};

export type Excess = 'header' | 'line' | 'hops';

export type MessageWatch = {
  /** @returns what was too much, if anything was; from then on always */
  readonly put: (bytes: Buffer) => Excess | undefined;
  /** The header's first lines; latin1. */
  readonly head: () => string;
};

const headLengthMax = 4096;
const lf = 10;
const hopName = 'received:';

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const createMessageWatch = ({ headerBytesMax, lineBytesMax, hopsMax }: MessageLimits): MessageWatch => {
  let isHeader = true;
  let headerBytes = 0;
  let hops = 0;
  let head = '';
  /** Of the line that has not ended yet. */
  let lineBytes = 0;
  let lineStart = '';
  let excess: Excess | undefined;

  /** @param end behind the LF of a header line */
  const endHeaderLine = (): void => {
    if (lineStart === '' || lineStart === '\r') isHeader = false;
    else if (lineStart.toLowerCase() === hopName && ++hops > hopsMax && hopsMax > 0) excess ??= 'hops';
    lineStart = '';
  };

  const readHeader = (bytes: Buffer): void => {
    if (head.length < headLengthMax) head += bytes.toString('latin1', 0, headLengthMax - head.length);
    for (let from = 0; isHeader && from < bytes.length;) {
      const end = bytes.indexOf(lf, from);
      const to = end < 0 ? bytes.length : end;
      if (lineStart.length < hopName.length)
        lineStart += bytes.toString('latin1', from, Math.min(to, from + hopName.length - lineStart.length));
      headerBytes += to - from + (end < 0 ? 0 : 1);
      if (end < 0) break;
      endHeaderLine();
      from = end + 1;
    }
    if (headerBytesMax > 0 && headerBytes > headerBytesMax) excess ??= 'header';
  };

  const longestIn = (bytes: Buffer): number => {
    let longest = 0;
    let from = 0;
    for (let end = bytes.indexOf(lf); end >= 0; end = bytes.indexOf(lf, from)) {
      longest = Math.max(longest, lineBytes + end + 1 - from);
      lineBytes = 0;
      from = end + 1;
    }
    lineBytes += bytes.length - from;
    return Math.max(longest, lineBytes);
  };

  /** Where all that is there would fit into one line, only its last one counts. */
  const readLines = (bytes: Buffer): void => {
    if (lineBytesMax === 0) return;
    if (lineBytes + bytes.length <= lineBytesMax) {
      const end = bytes.lastIndexOf(lf);
      lineBytes = end < 0 ? lineBytes + bytes.length : bytes.length - end - 1;
    } else if (longestIn(bytes) > lineBytesMax) excess ??= 'line';
  };

  return {
    put: (bytes) => {
      if (isHeader) readHeader(bytes);
      readLines(bytes);
      return excess;
    },
    head: () => {
      const text = `\n${head}`;
      const end = text.search(/\n\r?\n/);
      return (end < 0 ? head : text.slice(1, end)).trimEnd();
    },
  };
};
