/** Colour where the terminal wants it (NO_COLOR, FORCE_COLOR, TERM=dumb, a pipe). Meaning never hangs on it alone. */
import { styleText } from 'node:util';

export type Style = {
  readonly width: number;
  readonly strong: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly faint: (text: string) => string;
};

const widthMin = 60;
const widthMax = 200;

const asIs = (text: string): string => text;

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
  const width = stream.isTTY === true ? (stream.columns ?? 80) : 120;
  return {
    width: Math.min(widthMax, Math.max(widthMin, width)),
    strong: paint('bold'),
    warn: paint('red'),
    faint: paint('dim'),
  };
};
