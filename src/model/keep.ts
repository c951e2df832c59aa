/**
 * A copy of a text that is going to be kept. A slice of a log chunk is a view that keeps the whole chunk (a megabyte)
 * alive; whoever puts a text from a line into a map that outlives the line keeps a copy instead.
 */
export const keep = (text: string): string => (text.length < 13 ? text : ` ${text}`.slice(1));

export const keepIfAny = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : keep(text);
