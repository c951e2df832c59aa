/**
 * What Exim reads back: one line of `name=value` that `${extract{name}{…}}` takes apart; a value with spaces stands in
 * double quotes. The connection ends behind it, because Exim reads to the end.
 */
export type EximAnswer = {
  readonly verb: 'accept' | 'deny' | 'defer' | 'drop' | 'freeze';
  /** Whole reply text with its codes; of the class that the verb needs. */
  readonly message?: string;
  readonly delaySeconds?: number;
  /** A header for the message, `Name: value`. */
  readonly header?: string;
};

const textLengthMax = 300;

/** One line of printable ASCII without what `${extract}` would take for its own. */
const safe = (text: string): string =>
  text
    .replaceAll(/[^ !#-[\]-~]+/g, ' ')
    .trim()
    .slice(0, textLengthMax);

export const encodeAnswer = ({ verb, message, delaySeconds, header }: EximAnswer): string => {
  const parts = [`v=${verb}`];
  if (message !== undefined) parts.push(`msg="${safe(message)}"`);
  if (delaySeconds !== undefined) parts.push(`delay=${delaySeconds}`);
  if (header !== undefined) parts.push(`hdr="${safe(header)}"`);
  return `${parts.join(' ')}\n`;
};
