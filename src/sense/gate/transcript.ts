/** A session line by line, for the postmaster who used to need a sniffer. Bounded; no password and no content ever. */
export type Transcript = string[];

const linesMax = 200;
const lineLengthMax = 200;

/** An initial response holds the password (RFC 4954 §4). */
const withoutSecret = (line: string): string => line.replace(/^(AUTH\s+\S+)\s.*$/i, '$1 (hidden)');

const add = (transcript: Transcript, line: string): void => {
  if (transcript.length < linesMax) transcript.push(line.slice(0, lineLengthMax));
  else if (transcript.length === linesMax) transcript.push('… and so on');
};

export const noteHeard = (transcript: Transcript, line: string): void => add(transcript, `> ${withoutSecret(line)}`);

/** Something the client sent that is not shown: a password, a message. */
export const noteHidden = (transcript: Transcript, what: string): void => add(transcript, `> (${what})`);

export const noteSaid = (transcript: Transcript, text: string): void => {
  for (const line of text.trimEnd().split('\r\n')) add(transcript, `< ${line}`);
};
