/** Every pattern that hostile bytes meet is free of nested quantifiers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasNestedQuantifier, patternsOf } from './regexps.ts';
import { codeOf, filesOf, isTest, read } from './sources.ts';

const hostileInput = (): string[] => filesOf('src/{servers,protocols,sense}/**/*.ts').filter((file) => !isTest(file));

test('nested quantifiers are recognised', () => {
  for (const pattern of ['(a+)*', '(?:x|y*){2,}', '((a)+b)+', '(a{1,3})*', '((?:ab*)c)+']) {
    assert.ok(hasNestedQuantifier(pattern), pattern);
  }
  for (const pattern of ['(a+)b*', '[(a+)*]', '\\(a+\\)*', '(?:ab)+c+', 'a{3}', '(\\d+)-(\\d+)']) {
    assert.ok(!hasNestedQuantifier(pattern), pattern);
  }
});

test('patterns are found, divisions, comments and strings are not', () => {
  const source = [
    'const a = /x+/; // /no/',
    "const b = 4 / 2 / 1; const c = '/no/';",
    'if (/[/]y/u.test(d)) return /z\\/z/;',
    '/* /no/ */ f(g(1) / 2, `/no/`, h / 3);',
  ].join('\n');
  assert.deepEqual(patternsOf(source), ['x+', '[/]y', 'z\\/z']);
});

test('no pattern in servers, protocols or sense nests quantifiers', () => {
  const wrong = hostileInput().flatMap((file) =>
    patternsOf(read(file))
      .filter(hasNestedQuantifier)
      .map((pattern) => `${file}: /${pattern}/`),
  );
  assert.deepEqual(wrong, []);
});

test('no pattern in servers, protocols or sense is built at run time', () => {
  assert.deepEqual(
    hostileInput().filter((file) => /\bRegExp\(/.test(codeOf(file))),
    [],
  );
});
