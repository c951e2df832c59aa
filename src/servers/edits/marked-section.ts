/**
 * A section of our own in a text file of somebody else: between two comment lines, everything outside stays byte for byte.
 * Text is latin1, one character a byte. Taking the last entry out takes the section out, and leaves the file as it was.
 */
const begin = '# postern begin: written by Postern, do not edit up to "postern end"';
/** The file had no newline at its end; it is taken away again with the section. */
const openNote = ' (the line before had no end)';
const end = '# postern end';

type Parts = {
  readonly before: string;
  readonly lines: readonly string[];
  readonly after: string;
  /** What whoever made the section wanted to know again of the file before. */
  readonly note: string;
};

const lineAt = (text: string, at: number): string => {
  const stop = text.indexOf('\n', at);
  return stop < 0 ? text.slice(at) : text.slice(at, stop);
};

/** @returns undefined when the text has no section, or one that is not whole */
const partsOf = (text: string): Parts | undefined => {
  const start = text.startsWith(begin) ? 0 : text.indexOf(`\n${begin}`) + 1;
  const first = lineAt(text, start);
  if (!first.startsWith(begin)) return undefined;
  const isOpen = first.endsWith(openNote);
  const notes = first.slice(begin.length, isOpen ? -openNote.length : undefined);
  const note = /^ \[([^[\]]*)\]$/.exec(notes)?.[1];
  if (notes !== '' && note === undefined) return undefined;
  const stop = text.indexOf(`\n${end}\n`, start);
  if (stop < 0) return undefined;
  const body = text.slice(start + first.length + 1, stop + 1);
  return {
    before: isOpen ? text.slice(0, start - 1) : text.slice(0, start),
    lines: body.split('\n').slice(0, -1),
    after: text.slice(stop + end.length + 2),
    note: note ?? '',
  };
};

export const sectionLines = (text: string): readonly string[] => partsOf(text)?.lines ?? [];

/** What was noted when the section was made; '' for nothing, undefined without a section. */
export const sectionNote = (text: string): string | undefined => partsOf(text)?.note;

/** The text without our section, as it was before there was one. */
export const outsideSection = (text: string): string => {
  const parts = partsOf(text);
  return parts === undefined ? text : `${parts.before}${parts.after}`;
};

/** True when a begin stands there without its end: somebody edited it. */
export const isSectionBroken = (text: string): boolean =>
  partsOf(text) === undefined && (text.startsWith(begin) || text.includes(`\n${begin}`));

/** The same text with these lines as our section: where it was, or at the top or the end. No lines: no section. */
export const withSection = (text: string, lines: readonly string[], atTop: boolean, note = ''): string => {
  const found = partsOf(text);
  const parts = found ?? { ...(atTop ? { before: '', after: text } : { before: text, after: '' }), note };
  if (lines.length === 0) return `${parts.before}${parts.after}`;
  const isOpen = parts.before !== '' && !parts.before.endsWith('\n');
  const first = `${begin}${parts.note === '' ? '' : ` [${parts.note}]`}`;
  const body = lines.map((line) => `${line}\n`).join('');
  return `${parts.before}${isOpen ? `\n${first}${openNote}` : first}\n${body}${end}\n${parts.after}`;
};
