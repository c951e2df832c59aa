/** A session line by line, for the postmaster who used to need a sniffer. Bounded; no password ever, and of a message its first header lines alone. */
import { Buffer } from 'node:buffer';

/** In one piece, which is made anew with each line: two strings for each would keep three times as much for who is held for hours. */
export type Transcript = { text: string; isCut: boolean; isAfterAuth: boolean };

/** Some thirty commands with their replies; latin1. */
const bytesMax = 3072;
const lineLengthMax = 200;
const headLinesMax = 8;
const scratch = Buffer.alloc(bytesMax);

export const newTranscript = (): Transcript => ({ text: '', isCut: false, isAfterAuth: false });

/** An initial response holds the password (RFC 4954 §4). */
const withoutSecret = (line: string): string =>
  /^AUTH\s/i.test(line) ? line.replace(/^(AUTH\s+\S+)\s.*$/i, '$1 (hidden)') : line;

/** @param lines marked, each with its end */
const add = (transcript: Transcript, lines: string): void => {
  const { text } = transcript;
  const length = text.length + lines.length;
  transcript.isCut ||= length > bytesMax;
  if (transcript.isCut) return;
  scratch.write(text, 'latin1');
  scratch.write(lines, text.length, 'latin1');
  transcript.text = scratch.toString('latin1', 0, length);
};

const shortened = (line: string): string => (line.length > lineLengthMax ? line.slice(0, lineLengthMax) : line);

/** A program that does not listen goes on with name and password where AUTH was refused; commands of one word are known. */
const isSecret = ({ isAfterAuth }: Transcript, line: string): boolean =>
  isAfterAuth && /^[0-9A-Za-z+/]+={0,2}$/.test(line) && !/^(?:AUTH|DATA|HELP|NOOP|QUIT|RSET|STARTTLS)$/i.test(line);

export const noteHeard = (transcript: Transcript, line: string): void => {
  const shown = isSecret(transcript, line) ? '(an answer to no challenge)' : shortened(withoutSecret(line));
  transcript.isAfterAuth ||= /^AUTH\b/i.test(line);
  add(transcript, `> ${shown}\n`);
};

/** Something the client sent that is not shown: a password, a message. */
export const noteHidden = (transcript: Transcript, what: string): void => add(transcript, `> (${what})\n`);

/** @param head of a message */
export const noteHead = (transcript: Transcript, head: string): void => {
  for (const line of head.split('\r\n', headLinesMax)) add(transcript, `> ${shortened(line)}\n`);
};

export const noteSaid = (transcript: Transcript, text: string): void => {
  let lines = '';
  for (let from = 0, end = text.indexOf('\r\n'); end >= 0; from = end + 2, end = text.indexOf('\r\n', from))
    lines += `< ${shortened(text.slice(from, end))}\n`;
  add(transcript, lines);
};

export const linesOf = ({ text, isCut }: Transcript): readonly string[] => [
  ...text.split('\n').slice(0, -1),
  ...(isCut ? ['… and so on'] : []),
];
