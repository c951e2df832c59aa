import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { filtersIn } from './filters.ts';

test('forwards and sieve scripts of a home with whom they send to; a link is named and not followed', async () => {
  const home = mkdtempSync(join(tmpdir(), 'postern-home-'));
  try {
    assert.deepEqual(await filtersIn(home), []);
    assert.deepEqual(await filtersIn(join(home, 'nowhere')), []);
    writeFileSync(join(home, '.forward'), 'drop@evil.test, \\nicole\n');
    mkdirSync(join(home, 'sieve'));
    writeFileSync(
      join(home, 'sieve/roundcube.sieve'),
      'redirect :copy "x.y+z@evil.test";\nredirect "drop@evil.test";\n',
    );
    writeFileSync(join(home, 'sieve/notes.txt'), 'redirect "no@script.test";\n');
    writeFileSync(join(home, 'secret'), 'root@secret.test\n');
    symlinkSync(join(home, 'secret'), join(home, '.dovecot.sieve'));
    mkdirSync(join(home, '.procmailrc'));
    const found = await filtersIn(home);
    assert.deepEqual(
      found.map(({ path, sendsTo }) => [path.slice(home.length + 1), sendsTo]),
      [
        ['.forward', ['drop@evil.test']],
        ['.dovecot.sieve', []],
        ['sieve/roundcube.sieve', ['x.y+z@evil.test', 'drop@evil.test']],
      ],
    );
    assert.ok(found.every(({ changed }) => Math.abs(Date.now() - changed) < 3_600_000));
  } finally {
    rmSync(home, { recursive: true });
  }
});
