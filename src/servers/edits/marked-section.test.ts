import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isSectionBroken, outsideSection, sectionLines, sectionNote, withSection } from './marked-section.ts';

const text = fc
  .array(fc.constantFrom('a REJECT', '', '# comment', '\tx', 'ä\xff', 'last'), { maxLength: 5 })
  .chain((lines) => fc.constantFrom(lines.join('\n'), `${lines.join('\n')}\n`));
const entries = fc.array(fc.stringMatching(/^[a-z0-9 ]{1,12}$/), { minLength: 1, maxLength: 4 });

test('what is put in is there, and taken out nothing of it is left', () => {
  fc.assert(
    fc.property(text, entries, entries, fc.boolean(), (file, first, second, atTop) => {
      const once = withSection(file, first, atTop, 'as it was');
      assert.deepEqual([sectionNote(file), sectionNote(once)], [undefined, 'as it was']);
      assert.deepEqual(sectionLines(once), first);
      assert.equal(outsideSection(once), file);
      const twice = withSection(once, second, !atTop);
      assert.deepEqual(sectionLines(twice), second);
      assert.equal(sectionNote(twice), 'as it was');
      assert.equal(withSection(twice, [], atTop), file);
      assert.ok(once.endsWith('\n') || atTop);
    }),
  );
});

test('edits around the section stay when it is taken out', () => {
  const file = withSection('one\n', ['entry'], false);
  const edited = `zero\n${file}two\n`;
  assert.equal(withSection(edited, [], false), 'zero\none\ntwo\n');
});

test('a section without its end is told, not guessed', () => {
  const file = withSection('one\n', ['entry'], false).replace('# postern end\n', '');
  assert.ok(isSectionBroken(file));
  assert.deepEqual(sectionLines(file), []);
  assert.equal(outsideSection(file), file);
  assert.ok(!isSectionBroken('one\n'));
});
