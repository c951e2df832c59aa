/**
 * A copy of a text that is going to be kept. A slice of a log chunk is a view that keeps the whole chunk (a megabyte)
 * alive; whoever puts a text from a line into a map that outlives the line keeps a copy instead.
 * Joined from an array it is one piece; a sum of texts would stay a tree of them, which is slower to read.
 */
const shortest = 13;
export const keep = (text: string): string =>
  text.length < shortest ? text : [text.slice(0, 1), text.slice(1)].join('');

export const keepIfAny = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : keep(text);
