/**
 * Tables for a terminal: columns as wide as they must be; where that is too much, the widest text gives way, so that no
 * name that somebody chose pushes the numbers out.
 */
export type Column<R> = {
  readonly title: string;
  readonly right?: boolean;
  /** Never gives way: an address that is cut is none. */ readonly whole?: boolean;
  readonly text: (row: R) => string;
};

export const grouped = (value: number): string => value.toLocaleString('en-US').replaceAll(',', ' ');

/** `1 line`, `2 lines`. @param word takes an s */
export const counted = (value: number, word: string): string => `${grouped(value)} ${word}${value === 1 ? '' : 's'}`;

const pad = (text: string, width: number, right: boolean): string =>
  right ? text.padStart(width) : text.padEnd(width);

export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`;

const textWidthMin = 10;
const gap = '  ';

/** @param natural how wide each column would be. @param widthMax of all of them and what is between */
const fitted = <R>(natural: readonly number[], columns: readonly Column<R>[], widthMax: number): readonly number[] => {
  const widths = natural.map((width) => Math.min(width, widthMax));
  const texts = [...widths.keys()].filter((at) => columns[at]?.right !== true && columns[at]?.whole !== true);
  let excess = widths.reduce((sum, width) => sum + width, gap.length * (columns.length - 1)) - widthMax;
  for (; excess > 0; excess--) {
    const [widest = 0] = texts.toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    const width = widths[widest] ?? 0;
    if (texts.length === 0 || width <= textWidthMin) break;
    widths[widest] = width - 1;
  }
  return widths;
};

export const table = <R>(rows: readonly R[], columns: readonly Column<R>[], widthMax: number): readonly string[] => {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => columns.map((column) => column.text(row)));
  const natural = columns.map((column, at) =>
    cells.reduce((most, row) => Math.max(most, row[at]?.length ?? 0), column.title.length),
  );
  const widths = fitted(natural, columns, widthMax - gap.length);
  const line = (texts: readonly string[]): string => {
    const row = texts.map((text, at) => pad(cut(text, widths[at] ?? 0), widths[at] ?? 0, columns[at]?.right === true));
    return cut(row.join(gap).trimEnd(), widthMax - gap.length);
  };
  return [line(columns.map((column) => column.title)), ...cells.map(line)].map((text) => `${gap}${text}`);
};
