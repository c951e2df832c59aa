/** The firewall on a real kernel, in the lab's network: who is blocked, who is not, for how long, and what stays as it was. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { allowance, firewallBlock, removeTable } from '../../src/act/firewall.ts';
import { perform, performAll, planAll } from '../../src/act/perform.ts';
import { recover, undo } from '../../src/act/recover.ts';
import { repair } from '../../src/act/repair.ts';
import { openDesk } from '../../src/guard/desk.ts';
import type { OpenDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import { Fault } from '../../src/model/fault.ts';
import type { CarryOut } from '../../src/model/verb.ts';
import { patienceMs } from '../servers/lab/await.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { labClosed } from '../servers/lab/door.ts';
import { hasIPv6, hosts } from '../servers/lab/network.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

const foreign = `table inet somebody {
  set theirs { type ipv4_addr; elements = { 203.0.113.99 } }
  chain input { type filter hook input priority 0; policy accept; }
}
`;
const ruleset = (): Promise<string> => runCommand('nft', ['list', 'ruleset']);
const blockedPackets = async (): Promise<number> => {
  const text = await runCommand('nft', ['list', 'counter', 'inet', 'postern', 'blocked']);
  return Number(/packets (\d+)/.exec(text)?.[1]);
};

type Scene = {
  readonly state: string;
  readonly desk: OpenDesk;
  readonly carryOut: CarryOut;
  readonly port: number;
};

const protect = ['192.0.2.0/24'];

const onScene = async (play: (scene: Scene) => Promise<void>): Promise<void> => {
  const state = mkdtempSync(join(tmpdir(), 'postern-firewall-'));
  const carryOut = createCarryOut(createAllowance({ protect }));
  const desk = openDesk(state, { carryOut });
  await runCommand('nft', ['-f', '-'], foreign);
  const untouched = await ruleset();
  const server = createServer((socket) => socket.end('220 here\r\n'));
  server.listen(2525, hasIPv6 ? '::' : '0.0.0.0');
  await once(server, 'listening');
  try {
    await play({ state, desk, carryOut, port: 2525 });
    await removeTable(carryOut);
    assert.equal(await ruleset(), untouched, 'gone without a trace, and what others have is as it was');
  } finally {
    server.close();
    desk.close();
    await runCommand('nft', ['flush', 'ruleset']);
    rmSync(state, { recursive: true });
  }
};

const knock = (from: string, port: number): Socket =>
  connect({ host: from.includes(':') ? hosts.postfix6 : hosts.postfix, port, localAddress: from });

/** Resolves when the server greets. */
const isLetIn = async (from: string, port: number): Promise<boolean> => {
  const socket = knock(from, port);
  const [greeting] = await once(socket, 'data');
  socket.destroy();
  return String(greeting).startsWith('220');
};

/** Resolves when the firewall has counted a packet of this attempt. */
const isDropped = async (from: string, port: number): Promise<boolean> => {
  const before = await blockedPackets();
  const socket = knock(from, port);
  const answered = once(socket, 'connect').then(() => true);
  let dropped = false;
  let connected = false;
  void answered.then(
    () => (connected = true),
    () => undefined,
  );
  while (!dropped && !connected) dropped = (await blockedPackets()) > before;
  socket.destroy();
  return dropped;
};

const order = (until: number) => ({ who: 'test', why: 'test', until, incident: undefined });
const inHours = (hours: number): number => Date.now() + hours * 3600_000;
const block = async (desk: OpenDesk, subject: string, until = inHours(2)): Promise<string> => {
  const { receipt } = await perform(firewallBlock, { subject, until }, order(until), desk);
  return receipt?.id ?? assert.fail('nothing was done');
};

/**
 * Blocks so shortly that the client's own next attempt finds the door open; longer, where this machine is so slow that even the
 * first one would. @returns what `deed` did
 */
const blockShortly = async (
  port: number,
  deed: (subject: string, until: number) => Promise<string>,
): Promise<string> => {
  for (let ms = 1000; ms < patienceMs; ms *= 4) {
    const subject = `203.0.113.${100 + Math.log2(ms / 1000)}`;
    // It may be over before the deed has looked whether it took.
    const id = await deed(subject, Date.now() + ms).catch(() => undefined);
    const before = await blockedPackets();
    assert.ok(await isLetIn(subject, port));
    if (id !== undefined && (await blockedPackets()) > before) return id;
  }
  return assert.fail('it was never blocked');
};

test(
  'a blocked address is dropped at mail ports alone, its neighbours are not, and an undo lets it in',
  { skip: labClosed },
  async () => {
    await onScene(async ({ desk, port }) => {
      assert.ok(await isLetIn('203.0.113.50', port));
      const id = await block(desk, '203.0.113.50');
      assert.ok(await isDropped('203.0.113.50', port));
      assert.ok(await isLetIn('203.0.113.51', port));
      const shell = createServer((socket) => socket.end('SSH-2.0\r\n')).listen(22_022, hosts.postfix);
      const socket = connect({ host: hosts.postfix, port: 22_022, localAddress: '203.0.113.50' });
      assert.match(String((await once(socket, 'data'))[0]), /^SSH/);
      socket.destroy();
      shell.close();
      await undo([id], 'test', desk);
      assert.ok(await isLetIn('203.0.113.50', port));
    });
  },
);

test('networks: /24, /30, an allowance inside, and the /64 of an IPv6 client', { skip: labClosed }, async () => {
  await onScene(async ({ desk, port }) => {
    await block(desk, '198.51.100.0/24');
    await block(desk, '203.0.113.8/30');
    const until = inHours(1);
    await perform(allowance, { subject: '198.51.100.20', until }, order(until), desk);
    for (const dropped of ['198.51.100.19', '203.0.113.8', '203.0.113.11'])
      assert.ok(await isDropped(dropped, port), dropped);
    for (const passes of ['198.51.100.20', '198.51.101.1', '203.0.113.12', '203.0.113.7'])
      assert.ok(await isLetIn(passes, port), passes);
    if (!hasIPv6) return;
    await block(desk, '2001:db8:7:7::1');
    assert.ok(await isDropped('2001:db8:7:7:ffff::2', port));
    assert.ok(await isLetIn('2001:db8:7:8::1', port));
  });
});

test(
  'the kernel ends a block by itself; a renewal moves the end and closes the receipt before',
  { skip: labClosed },
  async () => {
    await onScene(async ({ desk, port }) => {
      const first = await blockShortly(port, (subject, until) => block(desk, subject, until));
      const mended = (await recover(desk)).find(({ receipt }) => receipt.id === first);
      assert.deepEqual([mended?.receipt.id, mended?.text, mended?.failed], [first, 'its time was over', false]);

      const short = await block(desk, '203.0.113.61', inHours(1));
      const long = await block(desk, '203.0.113.61', inHours(5));
      const listed = await runCommand('nft', ['-j', 'list', 'set', 'inet', 'postern', 'block32']);
      assert.ok(Number(/"expires": (\d+)/.exec(listed)?.[1]) > 4 * 3600, listed);
      assert.equal(desk.receipts.get(short)?.note, `renewed as ${long}`);
      await undo([long], 'test', desk);
      assert.ok(await isLetIn('203.0.113.61', port));
      assert.deepEqual(desk.receipts.inState('open', 'done', 'undoing'), []);
    });
  },
);

test(
  'what nobody confirms is taken back by the kernel, without any Postern; what is confirmed goes on to its end',
  { skip: labClosed },
  async () => {
    await onScene(async ({ state, desk, port }) => {
      const until = inHours(1);
      const unconfirmed = await blockShortly(port, async (subject, confirmBy) => {
        const { receipt } = await perform(firewallBlock, { subject, until, confirmBy }, order(confirmBy), desk);
        return receipt?.id ?? assert.fail('nothing was done');
      });
      const postern = (...args: readonly string[]): Promise<string> =>
        runCommand(process.execPath, [main, ...args, '--state', state]);
      await assert.rejects(postern('accept', unconfirmed), /ended with 2: [^]*undone already/);

      const said = await postern('block', '203.0.113.63', '--confirm', '2m');
      const id = /postern accept (A\w+)/.exec(said)?.[1] ?? '';
      const expires = async (): Promise<number> => {
        const listed = await runCommand('nft', ['-j', 'list', 'set', 'inet', 'postern', 'block32']);
        return Number(/"expires": (\d+)/.exec(listed)?.[1]);
      };
      assert.ok((await expires()) <= 120);
      assert.match(await postern('actions'), /until .* unless confirmed: postern accept/);
      assert.match(await postern('accept', id), /done +firewall-block 203\.0\.113\.63/);
      assert.ok((await expires()) > 3 * 3600);
      assert.match(desk.receipts.get(id)?.note ?? '', /^renewed as A/);
      await assert.rejects(postern('block', '203.0.113.63', '--confirm', '2m'), /has one already/);

      await postern('allow', '203.0.113.63', '--confirm', '2m');
      assert.ok(await isLetIn('203.0.113.63', port));
      assert.equal(
        desk.receipts.inForce('firewall-block').length,
        1,
        'what it wins over stays for the case that nobody confirms',
      );
      for (const wrong of [
        ['--confirm', '5h'],
        ['--confirm', '1s'],
        ['--confirm', '2m', '--map', 'postfix-cidr:/etc/postfix/x'],
      ])
        await assert.rejects(postern('block', '203.0.113.64', ...wrong), /ended with 2: .*--confirm/);
    });
  },
);

test('who is protected is never blocked, whoever asks and however', { skip: labClosed }, async () => {
  await onScene(async ({ desk, carryOut }) => {
    const refused = (error: unknown): boolean => error instanceof Fault && error.code === 'REFUSED_FOR_SAFETY';
    const until = inHours(1);
    for (const subject of [
      '127.0.0.1',
      '::1',
      '127.0.0.0/8',
      '0.0.0.0/0',
      '::/0',
      '192.0.2.25',
      '192.0.2.0/25',
      '192.0.0.0/16',
      '224.0.0.1',
    ])
      await assert.rejects(planAll(firewallBlock, [{ subject, until }], desk.carryOut), refused, subject);
    const scripts = [
      'add element inet postern block32 { 192.0.2.25 timeout 60s }',
      'add element inet postern block24 { 192.0.2.0 timeout 60s }',
      'add element inet somebody theirs { 203.0.113.5 }',
      'flush ruleset',
      'delete table inet somebody',
      'add element inet postern block32 { 203.0.113.5; flush ruleset }',
      'include "/etc/shadow"',
      '# a comment',
    ];
    for (const input of scripts)
      await assert.rejects(
        carryOut({ verb: 'run', program: 'nft', args: ['-f', '-'], input: `${input}\n` }),
        refused,
        input,
      );
    assert.deepEqual(desk.receipts.latest(1), []);
  });
});

test('ten thousand addresses are two transactions, and all are lifted in one', { skip: labClosed }, async () => {
  await onScene(async ({ desk }) => {
    let loads = 0;
    const counting: CarryOut = (verb) => {
      if (verb.verb === 'run' && verb.args[0] === '-f') loads++;
      return desk.carryOut(verb);
    };
    const until = inHours(1);
    const wanted = Array.from({ length: 10_000 }, (_, at) => ({ subject: `20.7.${at >> 8}.${at & 255}`, until }));
    const done = await performAll(firewallBlock, wanted, order(until), { ...desk, carryOut: counting });
    assert.equal(done.length, 10_000);
    assert.ok(loads <= 2, `${loads} transactions`);
    const listed = await runCommand('nft', ['-j', 'list', 'set', 'inet', 'postern', 'block32']);
    assert.equal(listed.split('"val"').length - 1, 10_000);
    await undo(
      done.flatMap(({ receipt }) => receipt?.id ?? []),
      'test',
      { ...desk, carryOut: counting },
    );
    assert.equal(loads, 2);
    assert.ok(!(await runCommand('nft', ['-j', 'list', 'set', 'inet', 'postern', 'block32'])).includes('"val"'));
  });
});

test('a machine without nft is told so, and nothing is recorded', { skip: labClosed }, async () => {
  await onScene(async ({ desk }) => {
    const without = createCarryOut({ ...createAllowance(), places: new Map([['nft', ['/nonexistent']]]) });
    const until = inHours(1);
    await assert.rejects(
      perform(firewallBlock, { subject: '203.0.113.5', until }, order(until), { ...desk, carryOut: without }),
      (error) =>
        error instanceof Fault && error.code === 'CONFIG' && error.message.includes('install the package nftables'),
    );
    assert.deepEqual(desk.receipts.latest(1), []);
  });
});

test('what somebody flushed is there again, for the rest of its time', { skip: labClosed }, async () => {
  await onScene(async ({ desk, port }) => {
    assert.deepEqual(await repair(desk), []);
    const id = await block(desk, '203.0.113.80');
    await block(desk, '198.51.100.0/24');
    assert.deepEqual(await repair(desk), []);
    await removeTable(desk.carryOut);
    assert.ok(await isLetIn('203.0.113.80', port));
    assert.match((await repair(desk)).join('\n'), /firewall-block: 2 of 2 had been taken away/);
    assert.ok(await isDropped('203.0.113.80', port));
    await undo([id], 'test', desk);
    assert.deepEqual(await repair(desk), []);
  });
});
