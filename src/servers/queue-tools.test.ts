import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queueTools } from './queue-tools.ts';
import type { Queued } from './queue-tools.ts';

const rows = [
  {
    server: 'postfix',
    spool: '/var/spool/postfix',
    message: { id: '4jWfkR60Vjzbp', folder: '/var/spool/postfix/deferred/C', wasHeld: false, wasThawed: false },
    held: '/var/spool/postfix/hold/4jWfkR60Vjzbp',
    hold: ['postsuper', '-h', '-'],
    release: ['postsuper', '-H', '-'],
    remove: ['postsuper', '-d', '-', 'hold'],
    retry: ['postsuper', '-r', '-'],
    first: '/var/spool/postfix/defer/C/4jWfkR60Vjzbp',
  },
  {
    server: 'exim',
    spool: '/var/spool/exim4',
    message: { id: '1xUcyd-00001I-1P', folder: '/var/spool/exim4/input/d', wasHeld: false, wasThawed: false },
    held: '/var/spool/exim4/input/d/1xUcyd-00001I-1P-H',
    hold: ['exim', '-Mf', '1xUcyd-00001I-1P'],
    release: ['exim', '-Mt', '1xUcyd-00001I-1P'],
    remove: ['exim', '-Mrm', '1xUcyd-00001I-1P'],
    retry: ['exim', '-M', '1xUcyd-00001I-1P'],
    first: '/var/spool/exim4/msglog/d/1xUcyd-00001I-1P',
  },
  {
    server: 'sendmail',
    spool: '/var/spool/mqueue-client',
    message: { id: '6AL4iapx000310', folder: '/var/spool/mqueue-client/qf', wasHeld: false, wasThawed: false },
    held: '/var/spool/mqueue-client/qf/hf6AL4iapx000310',
    hold: ['sendmail', '-Ac', '-Qheld by Postern', '-qI6AL4iapx000310'],
    release: ['sendmail', '-Ac', '-qQ', '-Q', '-qI6AL4iapx000310'],
    remove: undefined,
    retry: ['sendmail', '-Ac', '-qI6AL4iapx000310'],
    first: '/var/spool/mqueue-client/df/df6AL4iapx000310',
  },
] as const;

test('each server’s own commands, many messages a process, and its files with the envelope last', () => {
  for (const { server, spool, message, held, first, ...commands } of rows) {
    const tool = queueTools[server];
    const known: Queued = message;
    for (const name of ['hold', 'release', 'remove', 'retry'] as const) {
      const run = tool[name]?.(spool, [known.id]);
      assert.deepEqual(run === undefined ? undefined : [run.program, ...run.args], commands[name], `${server} ${name}`);
      if (server === 'postfix') assert.equal(run?.input, '4jWfkR60Vjzbp\n');
    }
    const files = tool.files(spool, known);
    assert.deepEqual([tool.heldPath(spool, known), files[0], files.at(-1)], [held, first, held]);
  }
  assert.ok(!queueTools.exim.isHeld(rows[1].message, 'rubbish') && queueTools.postfix.isHeld(rows[0].message, ''));
});
