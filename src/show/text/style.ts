/** Colour where the terminal wants it (NO_COLOR, FORCE_COLOR, TERM=dumb, a pipe). Meaning never hangs on it alone. */
import { styleText } from 'node:util';

export type Style = {
  readonly width: number;
  /** On a terminal: long text in lines of whole words, the later ones indented. Elsewhere one line: programs and `grep` read it. */
  readonly folded: (text: string, indent: number) => readonly string[];
  readonly strong: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly faint: (text: string) => string;
};

const widthMin = 60;
const widthMax = 200;

const asIs = (text: string): string => text;

/** A word that is too long for any line stands alone and is broken by the terminal. */
export const fold = (text: string, width: number, indent: number): readonly string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<=\S)(?= )/)) {
    if (line !== '' && line.length + word.length > width) {
      lines.push(line);
      line = ' '.repeat(indent) + word.trimStart();
    } else line += word;
  }
  return [...lines, line];
};

/** @param stream what is printed to */
export const styleFor = (
  stream: NodeJS.WriteStream,
  environment: Readonly<Record<string, string | undefined>>,
): Style => {
  const forced = environment['FORCE_COLOR'] !== undefined && environment['FORCE_COLOR'] !== '0';
  const refused = environment['NO_COLOR'] !== undefined && environment['NO_COLOR'] !== '';
  const colour = !refused && (forced || (stream.isTTY === true && environment['TERM'] !== 'dumb'));
  const paint = (format: 'bold' | 'red' | 'dim') =>
    colour ? (text: string) => styleText(format, text, { validateStream: false }) : asIs;
  const isTerminal = stream.isTTY === true;
  const width = Math.min(widthMax, Math.max(widthMin, isTerminal ? (stream.columns ?? 80) : 120));
  return {
    width,
    folded: (text, indent) => (isTerminal ? fold(text, width, indent) : [text]),
    strong: paint('bold'),
    warn: paint('red'),
    faint: paint('dim'),
  };
};
