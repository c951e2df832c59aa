/** What the house rules look at. A rule that saw no files would pass on nothing, so it asks here and gets a failure. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** Paths from the root of the clone, sorted. */
export const filesOf = (pattern: string, countMin = 1): string[] => {
  const files = globSync(pattern, { cwd: root, exclude: ['**/node_modules/**'] }).toSorted();
  assert.ok(files.length >= countMin, `${pattern} matches ${files.length} files: this rule would pass on nothing`);
  return files;
};

export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

export const isTest = (file: string): boolean => file.endsWith('.test.ts');

/** Source without comments; strings stay. Good enough for rules, not a parser. */
export const codeOf = (file: string): string =>
  read(file)
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '');

export type Import = { readonly from: string; readonly target: string };

/** `import … from '…'`, `export … from '…'`, `import '…'`, `import('…')`, and files that a worker is started from. */
const importPatterns = [
  /(?:^|;\s*)(?:import|export)\b[^;'"]*\bfrom\s*'([^']+)'/gm,
  /(?:^|;\s*)import\s*'([^']+)'/gm,
  /\bimport\(\s*'([^']+)'/g,
  /\bnew URL\('(\.[^']+)',\s*import\.meta\.url\)/g,
];

/** Relative targets as paths from the root, others as written. */
export const importsOf = (file: string): Import[] => {
  const code = codeOf(file);
  return importPatterns
    .flatMap((pattern) => [...code.matchAll(pattern)])
    .map(([, written = '']) => ({
      from: file,
      target: written.startsWith('.') ? join(dirname(file), written) : written,
    }));
};
