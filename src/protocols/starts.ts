/** Whether a text begins with one of many words: only those are compared that share its first character. */
export const beginsWithOneOf = (starts: readonly string[]): ((text: string) => boolean) => {
  const byFirst = new Map<number, string[]>();
  for (const start of starts) {
    const first = start.charCodeAt(0);
    byFirst.set(first, [...(byFirst.get(first) ?? []), start]);
  }
  return (text) => byFirst.get(text.charCodeAt(0))?.some((start) => text.startsWith(start)) === true;
};
