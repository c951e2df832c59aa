/** Messages out of real queue files (test/fixtures/queue); with real servers: test/servers/queue/deeds.test.ts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { keptMessage, messageKey } from './kept-message.ts';
import type { KeptFile } from './kept-message.ts';

const fixtures = join(import.meta.dirname, '../../test/fixtures/queue');
const text = (name: string): string => readFileSync(join(fixtures, name), 'latin1');

const messages: readonly (readonly KeptFile[])[] = [
  [
    { path: '/var/spool/postfix/defer/4/4jWfkR60Vjzbp', text: text('postfix/4jWfkR60Vjzbp.defer') },
    { path: '/var/spool/postfix/hold/4jWfkR60Vjzbp', text: text('postfix/4jWfkR60Vjzbp') },
  ],
  [
    { path: '/var/spool/exim4/input/d/1xUcyd-00001R-1V-D', text: '1xUcyd-00001R-1V-D\nthe body\n' },
    { path: '/var/spool/exim4/input/d/1xUcyd-00001R-1V-H', text: text('exim/1xUcyd-00001R-1V-H') },
  ],
  [
    { path: '/var/spool/mqueue/df6AL4iapx000310', text: 'the body\n' },
    { path: '/var/spool/mqueue/hf6AL4iapx000310', text: text('sendmail/qf6AL4iapx000310') },
  ],
];

test('queue files of three servers are a message with headers, a blank line and a body, and its envelope', () => {
  for (const files of messages) {
    const message = keptMessage(files);
    assert.ok(message !== undefined, files[0]?.path);
    assert.match(message.text, /^Received: /);
    assert.match(message.text, /^Subject: \w+$/m);
    assert.ok(message.text.includes('\n\n'), 'a blank line');
    assert.ok(!/^[^\n]*\x81/m.test(message.text), 'no header that is only made at delivery');
    assert.ok(message.envelope.recipientCount > 0);
    assert.equal(new Set(files.map(({ path }) => messageKey(path))).size, 1, 'they belong together');
  }
});

test('cut or spoiled files are no message, or one; never an error', () => {
  const spoiled = fc.record({ which: fc.nat(2), file: fc.nat(1), at: fc.nat(3000), what: fc.string({ maxLength: 5 }) });
  fc.assert(
    fc.property(spoiled, fc.boolean(), ({ which, file, at, what }, isCut) => {
      const files = (messages[which] ?? []).map((each, number) =>
        number === file
          ? { ...each, text: `${each.text.slice(0, at)}${isCut ? '' : `${what}${each.text.slice(at)}`}` }
          : each,
      );
      const message = keptMessage(files);
      assert.ok(message === undefined || typeof message.text === 'string');
    }),
    { numRuns: 1000 },
  );
  assert.equal(keptMessage([]), undefined);
});
