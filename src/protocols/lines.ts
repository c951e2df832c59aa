/** Cuts text into lines, wherever the chunks were cut. A line longer than the limit is skipped and counted. */
const logLineBytesMax = 64 * 1024;

export type LineCutter = {
  readonly feed: (text: string) => void;
  /** Gives the last line when it had no end. */
  readonly end: () => void;
  /** Lines skipped for their length. */
  readonly tooLong: () => number;
};

/** @param onLine the line without LF or CRLF */
export const createLineCutter = (onLine: (line: string) => void, lineBytesMax = logLineBytesMax): LineCutter => {
  let rest = '';
  let skipping = false;
  let skipped = 0;
  const give = (line: string): void => {
    if (line.length > lineBytesMax) skipped++;
    else onLine(line.charCodeAt(line.length - 1) === 13 ? line.slice(0, -1) : line);
  };
  return {
    feed: (text) => {
      let from = 0;
      let to = text.indexOf('\n');
      if (to < 0) {
        if (!skipping) rest += text;
      } else {
        if (skipping) skipping = false;
        else give(rest === '' ? text.slice(0, to) : rest + text.slice(0, to));
        rest = '';
        for (from = to + 1; (to = text.indexOf('\n', from)) >= 0; from = to + 1) give(text.slice(from, to));
        rest = text.slice(from);
      }
      if (rest.length <= lineBytesMax) return;
      rest = '';
      skipping = true;
      skipped++;
    },
    end: () => {
      if (rest !== '') give(rest);
      rest = '';
      skipping = false;
    },
    tooLong: () => skipped,
  };
};
