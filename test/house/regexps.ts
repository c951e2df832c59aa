/**
 * Finds the RegExp literals of a TypeScript source and judges whether one may take more than linear time. Hostile bytes
 * meet the patterns of servers/ and protocols/, so a nested quantifier there is a way to stop the guard.
 */

/** After one of these (or at the start) a slash begins a pattern; after a value it divides. */
const opensPattern = new Set(['(', ',', '=', ':', '[', '!', '&', '|', '?', '{', '}', ';', '+', '>', '<', '\n', '']);
const wordsBeforePattern = /\b(?:return|case|typeof|in|of)$/;

const skipString = (source: string, start: number): number => {
  const quote = source[start];
  let at = start + 1;
  while (at < source.length && source[at] !== quote) at += source[at] === '\\' ? 2 : 1;
  return at + 1;
};

const endOfPattern = (source: string, start: number): number => {
  let inClass = false;
  for (let at = start + 1; at < source.length && source[at] !== '\n'; at++) {
    const char = source[at];
    if (char === '\\') at++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return at;
  }
  return -1;
};

const startsPattern = (source: string, at: number): boolean => {
  const before = source.slice(0, at).trimEnd();
  return opensPattern.has(before.at(-1) ?? '') || wordsBeforePattern.test(before);
};

/** Bodies of all RegExp literals, comments and strings left out (templates are read as strings). */
export const patternsOf = (source: string): string[] => {
  const patterns: string[] = [];
  let at = 0;
  while (at < source.length) {
    const char = source[at] ?? '';
    const next = source[at + 1];
    if (char === "'" || char === '"' || char === '`') at = skipString(source, at);
    else if (char === '/' && next === '/') at = source.indexOf('\n', at) + 1 || source.length;
    else if (char === '/' && next === '*') at = source.indexOf('*/', at) + 2 || source.length;
    else if (char === '/' && startsPattern(source, at)) {
      const end = endOfPattern(source, at);
      if (end > 0) patterns.push(source.slice(at + 1, end));
      at = end > 0 ? end + 1 : at + 1;
    } else at++;
  }
  return patterns;
};

/** True when a quantifier stands at `at` that may repeat a varying number of times. */
const repeatsAt = (pattern: string, at: number): boolean => /^(?:[*+]|\{\d+,\d*\})/.test(pattern.slice(at, at + 12));

/** True when something that repeats holds something that repeats: `(a+)*`, `(?:x|y*){2,}`. */
export const hasNestedQuantifier = (pattern: string): boolean => {
  /** One entry an open group: has it a repetition inside? */
  const groups: boolean[] = [false];
  let inClass = false;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '\\') at++;
    else if (inClass) inClass = char !== ']';
    else if (char === '[') inClass = true;
    else if (char === '(') groups.push(false);
    else if (char === ')') {
      const inner = groups.pop() ?? false;
      const repeats = repeatsAt(pattern, at + 1);
      if (inner && repeats) return true;
      if (inner || repeats) groups[groups.length - 1] = true;
    } else if (repeatsAt(pattern, at)) groups[groups.length - 1] = true;
  }
  return false;
};
