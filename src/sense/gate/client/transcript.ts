/** A session line by line, for the postmaster who used to need a sniffer. Bounded; no password ever, and of a message its first header lines alone. */
import { Buffer } from 'node:buffer';

/** Lines of latin1 in one piece: a held client's may grow for hours, and two strings a line would be three times as much. */
export type Transcript = { bytes: Buffer; used: number; isCut: boolean };

/** Some thirty commands with their replies. */
const bytesMax = 3072;
const growBytes = 512;
const lineLengthMax = 200;
const headLinesMax = 8;
const nothing = Buffer.alloc(0);

export const newTranscript = (): Transcript => ({ bytes: nothing, used: 0, isCut: false });

/** An initial response holds the password (RFC 4954 §4). */
const withoutSecret = (line: string): string =>
  /^AUTH\s/i.test(line) ? line.replace(/^(AUTH\s+\S+)\s.*$/i, '$1 (hidden)') : line;

const add = (transcript: Transcript, mark: '>' | '<', line: string): void => {
  const length = Math.min(line.length, lineLengthMax) + 3;
  const { used } = transcript;
  if (transcript.isCut || used + length > bytesMax) {
    transcript.isCut = true;
    return;
  }
  if (used + length > transcript.bytes.length) {
    const grown = Buffer.allocUnsafe(Math.min(bytesMax, used + length + growBytes));
    transcript.bytes.copy(grown, 0, 0, used);
    transcript.bytes = grown;
  }
  transcript.bytes.write(
    `${mark} ${line.length > lineLengthMax ? line.slice(0, lineLengthMax) : line}\n`,
    used,
    'latin1',
  );
  transcript.used = used + length;
};

export const noteHeard = (transcript: Transcript, line: string): void => add(transcript, '>', withoutSecret(line));

/** Something the client sent that is not shown: a password, a message. */
export const noteHidden = (transcript: Transcript, what: string): void => add(transcript, '>', `(${what})`);

/** @param head of a message */
export const noteHead = (transcript: Transcript, head: string): void => {
  for (const line of head.split('\r\n', headLinesMax)) add(transcript, '>', line);
};

export const noteSaid = (transcript: Transcript, text: string): void => {
  for (let from = 0, end = text.indexOf('\r\n'); end >= 0; from = end + 2, end = text.indexOf('\r\n', from))
    add(transcript, '<', text.slice(from, end));
};

export const linesOf = ({ bytes, used, isCut }: Transcript): readonly string[] => [
  ...bytes.toString('latin1', 0, used).split('\n').slice(0, -1),
  ...(isCut ? ['… and so on'] : []),
];
