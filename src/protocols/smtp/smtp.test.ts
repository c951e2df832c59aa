import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isMailbox, parseCommand } from './command.ts';
import { createDots } from './dots.ts';
import { lineBytesMax, SmtpInput } from './input.ts';
import type { Input } from './input.ts';
import { createReplyReader, encodeReply, replyBytesMax } from './reply.ts';

/** Takes what is there, each time it is called; obeys DATA and BDAT as a session does. */
const drainer = (input: SmtpInput): (() => Input[]) => {
  let isFirst = true;
  const obey = (line: string): void => {
    if (line === 'DATA') input.expectMessage();
    const chunk = /^BDAT (\d+)( LAST)?$/.exec(line);
    if (chunk === null) return;
    const isLast = chunk[2] !== undefined;
    input.expectChunk(Number(chunk[1]), isFirst, isLast);
    isFirst = isLast;
  };
  return () => {
    const items: Input[] = [];
    for (let item = input.next(); item !== undefined; item = input.next()) {
      items.push(item);
      if (item.kind === 'line') obey(item.text);
    }
    return items;
  };
};

/** Content pieces put together: where they are cut is nobody's business, nor how much of a bad message was passed on. */
const joined = (items: readonly Input[]): unknown[] => {
  const out: unknown[] = [];
  let content = '';
  for (const item of items) {
    if (item.kind === 'content') content += item.bytes.toString('latin1');
    else {
      if (item.kind === 'content-end') out.push(item.hadBareNewline ? 'bad' : content);
      if (item.kind === 'content-end') content = '';
      out.push(item);
    }
  }
  return out;
};
const itemsOf = (text: string, cuts: readonly number[] = []): Input[] => {
  const input = new SmtpInput();
  const drain = drainer(input);
  const items: Input[] = [];
  let at = 0;
  for (const cut of [...cuts, text.length]) {
    input.feed(Buffer.from(text.slice(at, at + cut), 'latin1'));
    items.push(...drain());
    at += cut;
  }
  return items;
};
const heard = (text: string, cuts: readonly number[] = []): unknown[] => joined(itemsOf(text, cuts));

const wire = fc
  .array(
    fc.oneof(
      fc.constantFrom('\r', '\n', '.', 'a', '\r\n', '.\r\n', '\0'),
      fc.constantFrom('DATA\r\n', 'BDAT 3\r\n', 'BDAT 2 LAST\r\n', 'NOOP\r\n'),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

test('wherever the bytes are cut, the session hears the same', () => {
  fc.assert(
    fc.property(wire, fc.array(fc.integer({ min: 1, max: 7 })), (text, cuts) => {
      assert.deepEqual(heard(text, cuts), heard(text));
    }),
    { numRuns: 2000 },
  );
});

test('no content ever holds what another server could take for the end of a line', () => {
  let contents = 0;
  fc.assert(
    fc.property(wire, fc.array(fc.integer({ min: 1, max: 7 })), (text, cuts) => {
      let content = '';
      for (const item of itemsOf(`DATA\r\n${text.replaceAll('BDAT', 'DATA')}`, cuts)) {
        if (item.kind === 'content') content += item.bytes.toString('latin1');
        if (item.kind !== 'content-end') continue;
        contents++;
        // A CR at the very end may be bare: its LF had not come, and nothing came after it.
        const bare = /\r(?!\n)|(?<!\r)\n/.test(item.hadBareNewline ? content.replace(/\r$/, '') : content);
        assert.ok(!bare, JSON.stringify(content));
        content = '';
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(contents > 300, `${contents} contents`);
});

test('only CRLF dot CRLF ends a message: nothing can be smuggled', () => {
  const end = { kind: 'content-end', hadBareNewline: true };
  const quit = { kind: 'line', text: 'QUIT' };
  const data = { kind: 'line', text: 'DATA' };
  for (const trick of ['\n.\n', '\n.\r\n', '\r.\r', '\r\n.\n', '\r\n.\r', '\n.\r', '\r.\r\n']) {
    const content = `a${trick}MAIL FROM:<x@y.z>\r\n`;
    assert.deepEqual(heard(`DATA\r\n${content}.\r\nQUIT\r\n`), [data, 'bad', end, quit], JSON.stringify(trick));
    const [bdat, ...rest] = heard(`BDAT ${content.length} LAST\r\n${content}QUIT\r\n`, [30]);
    assert.deepEqual([bdat !== undefined, ...rest], [true, 'bad', end, quit], JSON.stringify(trick));
  }
  assert.deepEqual(heard('DATA\r\n..a\r\n.b\r\n.\r\n'), [data, '.a\r\nb\r\n', { ...end, hadBareNewline: false }]);
  assert.deepEqual(heard('DATA\r\n.\r\n'), [data, '', { ...end, hadBareNewline: false }]);
});

test('what goes out with its dots comes in as it was', () => {
  const line = fc.array(fc.constantFrom('.', 'a', ' ', '..'), { maxLength: 5 }).map((parts) => `${parts.join('')}\r\n`);
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.integer({ min: 1, max: 5 })), (lines, cuts) => {
      const content = lines.join('');
      const dots = createDots();
      const parts: Buffer[] = [];
      let at = 0;
      for (const cut of [...cuts, content.length]) {
        parts.push(dots.put(Buffer.from(content.slice(at, at + cut), 'latin1')));
        at += cut;
      }
      const sent = Buffer.concat([...parts, dots.end()]).toString('latin1');
      assert.deepEqual(heard(`DATA\r\n${sent}`).at(1), content);
    }),
    { numRuns: 1000 },
  );
});

test('a command line has CRLF and no more than its length', () => {
  assert.deepEqual(heard('NOOP\n'), [{ kind: 'bad-line', why: 'bare-newline' }]);
  assert.deepEqual(heard('NO\rOP\r\n'), [{ kind: 'bad-line', why: 'bare-newline' }]);
  const longest = 'x'.repeat(lineBytesMax - 1);
  assert.deepEqual(heard(`${longest}\r\n`), [{ kind: 'line', text: longest }]);
  assert.deepEqual(heard(`${longest}xx\r\nNOOP\r\n`, [5000, 9000]), [
    { kind: 'bad-line', why: 'too-long' },
    { kind: 'line', text: 'NOOP' },
  ]);
  const flooded = new SmtpInput();
  for (let i = 0; i < 100; i++) {
    flooded.feed(Buffer.alloc(10_000, 97));
    assert.equal(flooded.next(), undefined);
    assert.ok(flooded.waiting() <= lineBytesMax + 10_000);
  }
  assert.equal(flooded.discard() > 0, true);
});

test('BDAT takes its bytes, whatever they are, but a bare CR or LF: not even between two chunks', () => {
  const quit = { kind: 'line', text: 'QUIT' };
  const line = (text: string) => ({ kind: 'line', text });
  const end = (hadBareNewline: boolean) => ({ kind: 'content-end', hadBareNewline });
  assert.deepEqual(heard('BDAT 5 LAST\r\n.\r\n.\0QUIT\r\n'), [line('BDAT 5 LAST'), '.\r\n.\0', end(false), quit]);
  // Each a message in two chunks, and whether it is clean.
  for (const [one, two, isClean] of [
    ['a\r', '\nb', true],
    ['a\r\n', '', true],
    ['a\r', 'b', false],
    ['a', '\nb', false],
    ['a\n', 'b', false],
    ['a', 'b\r', false],
    ['a\r', '', false],
  ] as const) {
    const [, , , , , last] = [...heard(`BDAT ${one.length}\r\n${one}BDAT ${two.length} LAST\r\n${two}`)];
    assert.deepEqual(last, end(!isClean), JSON.stringify([one, two]));
  }
});

test('paths: brackets, quotes, routes, the null one, and what is none', () => {
  const path = (line: string): string | undefined => {
    const parsed = parseCommand(line);
    return parsed.kind === 'command' && 'path' in parsed.command ? parsed.command.path : undefined;
  };
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['MAIL FROM:<>', ''],
    ['mail from: <a@b.test>', 'a@b.test'],
    ['MAIL FROM:<a@b.test> SIZE=10 BODY=8BITMIME', 'a@b.test'],
    ['RCPT TO:<@c.test,@d.test:a@b.test>', 'a@b.test'],
    ['RCPT TO:<"a b>c"@b.test>', '"a b>c"@b.test'],
    ['RCPT TO:<a@[192.0.2.1]>', 'a@[192.0.2.1]'],
    ['RCPT TO:<Postmaster>', 'Postmaster'],
    ['RCPT TO:<>', undefined],
    ['RCPT TO:<a>', undefined],
    ['RCPT TO:a@b.test', undefined],
    ['RCPT TO:<a@b.test', undefined],
    ['RCPT TO:<a@b.test>x', undefined],
    ['RCPT TO:<a b@c.test>', undefined],
    ['RCPT TO:<"a"b"@c.test>', undefined],
    ['RCPT TO:<a@b..>', undefined],
    ['MAIL FROM:<a@b.test> SIZE=1 SIZE=2', undefined],
    [`MAIL FROM:<${'a'.repeat(330)}@b.test>`, undefined],
  ];
  for (const [line, wanted] of rows) assert.equal(path(line), wanted, line);
  assert.ok(!isMailbox('a@b\r\n'));
});

test('commands, and why one is none', () => {
  const why = (line: string): string => {
    const parsed = parseCommand(line);
    return parsed.kind === 'error' ? parsed.why : parsed.command.verb;
  };
  const rows: readonly (readonly [string, string])[] = [
    ['ehlo client.test', 'EHLO'],
    ['HELO', 'syntax'],
    ['HELO a b', 'syntax'],
    ['DATA', 'DATA'],
    ['DATA now', 'syntax'],
    ['BDAT 12 LAST', 'BDAT'],
    ['BDAT -1', 'syntax'],
    ['AUTH PLAIN AGEAYg==', 'AUTH'],
    ['AUTH a b c', 'syntax'],
    ['FOO', 'unknown-command'],
    ['', 'unknown-command'],
    ['GET / HTTP/1.1', 'non-smtp'],
    ['User-Agent: x', 'non-smtp'],
    ['NOOP \u0007', 'syntax'],
  ];
  for (const [line, wanted] of rows) assert.equal(why(line), wanted, line);
  fc.assert(fc.property(fc.string(), (line) => void parseCommand(line)));
});

test('replies: round trip wherever they are cut, one line stays one line, garbage is garbage', () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom('a', ' ', '.', '5', '-'), maxLength: 20 }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 200, max: 259 }), lines)), fc.nat({ max: 30 }), (all, cut) => {
      const text = all.map(([code, texts]) => encodeReply({ code, lines: texts })).join('');
      const reader = createReplyReader();
      const read = [...reader.read(text.slice(0, cut)), ...reader.read(text.slice(cut))];
      assert.deepEqual(
        read,
        all.map(([code, texts]) => ({ code, lines: texts })),
      );
    }),
  );
  assert.equal(encodeReply({ code: 250, lines: ['a\r\n250 b\0'] }), '250 a 250 b \r\n');
  assert.deepEqual(createReplyReader().read('hello\r\n250 ok\r\n'), ['garbage']);
  assert.deepEqual(createReplyReader().read('2'.repeat(replyBytesMax + 1)), ['garbage']);
});
