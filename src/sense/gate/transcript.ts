/** A session line by line, for the postmaster who used to need a sniffer. Bounded; no password and no content ever. */
export type Transcript = {
  readonly heard: (line: string) => void;
  /** Something the client sent that is not shown: a password, a message. */
  readonly hidden: (what: string) => void;
  readonly said: (text: string) => void;
  readonly lines: () => readonly string[];
};

const linesMax = 200;
const lineLengthMax = 200;

/** An initial response holds the password (RFC 4954 §4). */
const withoutSecret = (line: string): string => line.replace(/^(AUTH\s+\S+)\s.*$/i, '$1 (hidden)');

export const createTranscript = (): Transcript => {
  const lines: string[] = [];
  const add = (line: string): void => {
    if (lines.length < linesMax) lines.push(line.slice(0, lineLengthMax));
    else if (lines.length === linesMax) lines.push('… and so on');
  };
  return {
    heard: (line) => add(`> ${withoutSecret(line)}`),
    hidden: (what) => add(`> (${what})`),
    said: (text) => {
      for (const line of text.trimEnd().split('\r\n')) add(`< ${line}`);
    },
    lines: () => lines,
  };
};
