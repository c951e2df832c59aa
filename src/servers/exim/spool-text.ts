/** The message of an Exim -H and -D file, as text: the headers that are still part of it, a blank line, the body. */
import { headersStart } from './spool.ts';

const headersMax = 100_000;

/** @returns undefined when the envelope is cut */
export const messageText = (header: string, data: string): string | undefined => {
  const start = headersStart(header);
  if (start === undefined) return undefined;
  const parts: string[] = [];
  let at = start;
  for (let count = 0; count < headersMax; count++) {
    const digits = /^(\d{3,9})(.) /.exec(header.slice(at, at + 12));
    if (digits === null) break;
    const from = at + digits[0].length;
    at = from + Number(digits[1]);
    if (digits[2] !== '*') parts.push(header.slice(from, at));
  }
  // The -D file begins with its own name and a newline.
  return `${parts.join('')}\n${data.slice(data.indexOf('\n') + 1)}`;
};
