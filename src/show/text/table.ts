/** Tables for a terminal: columns as wide as they must be, the last one cut to what is left. */
export type Column<R> = { readonly title: string; readonly right?: boolean; readonly text: (row: R) => string };

export const grouped = (value: number): string => value.toLocaleString('en-US').replaceAll(',', ' ');

/** `1 line`, `2 lines`. @param word takes an s */
export const counted = (value: number, word: string): string => `${grouped(value)} ${word}${value === 1 ? '' : 's'}`;

const pad = (text: string, width: number, right: boolean): string =>
  right ? text.padStart(width) : text.padEnd(width);

const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`;

export const table = <R>(rows: readonly R[], columns: readonly Column<R>[], widthMax: number): readonly string[] => {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => columns.map((column) => column.text(row)));
  const widths = columns.map((column, at) =>
    Math.max(column.title.length, ...cells.map((row) => row[at]?.length ?? 0)),
  );
  const line = (texts: readonly string[]): string =>
    cut(
      texts
        .map((text, at) => pad(text, widths[at] ?? 0, columns[at]?.right === true))
        .join('  ')
        .trimEnd(),
      widthMax - 2,
    );
  return [line(columns.map((column) => column.title)), ...cells.map(line)].map((text) => `  ${text}`);
};
