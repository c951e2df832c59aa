/** Who must never be blocked is found out from a real machine: its routes, resolvers, shells, and whom its mail goes through. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import type { CarryOut } from '../../src/model/verb.ts';
import { keySets, tableLines } from '../../src/model/firewall.ts';
import { Fault } from '../../src/model/fault.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { labClosed } from '../servers/lab/door.ts';
import { layConfig } from '../servers/lab/machine.ts';
import { hosts } from '../servers/lab/network.ts';
import { startWorld } from '../servers/lab/world.ts';

const whyOf = async (carryOut: CarryOut, address: string): Promise<string | undefined> =>
  (await carryOut({ verb: 'who-protects', subjects: [address] }))[0]?.why;
const desk = (): CarryOut => createCarryOut(createAllowance());
const blocks = (address: string): Parameters<CarryOut>[0] => ({
  verb: 'run',
  program: 'nft',
  args: ['-f', '-'],
  input: `${tableLines.join('\n')}\nadd element inet postern block32 { ${address} timeout 60s }\n`,
});
const refused = (error: unknown): boolean => error instanceof Fault && error.code === 'REFUSED_FOR_SAFETY';

test('relay hosts and the other exchangers of our domains are found by their names', { skip: labClosed }, async () => {
  await using world = await startWorld();
  assert.ok(world);
  const config = layConfig('postfix');
  const [relay, backup, smart] = ['203.0.113.40', hosts.nobody, '203.0.113.41'];
  const fresh = desk();
  assert.equal(await whyOf(fresh, relay), undefined);
  // Domains without a zone of their own are the sink's in the lab; tempfail.test is another's.
  await runCommand('postconf', [
    '-c',
    config,
    '-e',
    'relayhost=[h-203-0-113-40.clients.test]:587',
    'relay_domains=tempfail.test',
  ]);
  const kept = readFileSync('/etc/hosts', 'latin1');
  layConfig('mail');
  writeFileSync('/etc/mail/sendmail.cf', 'V10/Berkeley\nDSsmart.example.org\n');
  appendFileSync('/etc/hosts', `${smart} smart.example.org\n`);
  try {
    const carryOut = desk();
    assert.match((await whyOf(carryOut, relay)) ?? '', /a relay host \(h-203-0-113-40\.clients\.test\)/);
    assert.equal(await whyOf(carryOut, backup), 'a mail exchanger of tempfail.test');
    assert.equal(await whyOf(carryOut, hosts.internet), 'a mail exchanger of lab.test');
    assert.equal(await whyOf(carryOut, smart), 'a relay host (smart.example.org)');
    assert.equal(await whyOf(carryOut, '203.0.113.42'), undefined);
    for (const address of [relay, backup, smart]) await assert.rejects(carryOut(blocks(address)), refused);
  } finally {
    writeFileSync('/etc/hosts', kept);
    rmSync('/etc/mail/sendmail.cf');
  }
});

test('gateway, resolver and who is logged in by SSH, as they are now', { skip: labClosed }, async () => {
  const [gateway, resolver, administrator] = ['10.99.0.1', '198.51.100.53', '203.0.113.77'];
  const before = desk();
  for (const address of [gateway, resolver, administrator]) assert.equal(await whyOf(before, address), undefined);
  const kept = readFileSync('/etc/resolv.conf', 'latin1');
  appendFileSync('/etc/resolv.conf', `nameserver ${resolver}\n`);
  await runCommand('ip', ['link', 'add', 'lab0', 'type', 'veth', 'peer', 'name', 'lab1']);
  await runCommand('ip', ['address', 'add', '10.99.0.2/24', 'dev', 'lab0']);
  await runCommand('ip', ['link', 'set', 'lab0', 'up']);
  await runCommand('ip', ['route', 'add', 'default', 'via', gateway]);
  const sshd = createServer().listen(22, hosts.postfix);
  await once(sshd, 'listening');
  const shell = connect({ host: hosts.postfix, port: 22, localAddress: administrator });
  await once(shell, 'connect');
  try {
    const carryOut = desk();
    assert.equal(await whyOf(carryOut, gateway), 'the gateway');
    assert.equal(await whyOf(carryOut, resolver), 'a resolver of this machine');
    assert.equal(await whyOf(carryOut, administrator), 'an administrator is logged in from there');
    for (const address of [gateway, resolver, administrator]) await assert.rejects(carryOut(blocks(address)), refused);
  } finally {
    shell.destroy();
    sshd.close();
    writeFileSync('/etc/resolv.conf', kept);
    await runCommand('ip', ['link', 'delete', 'lab0']);
  }
});

test(
  'however many networks are named one after the other, not a large part of the world is closed out',
  { skip: labClosed },
  async () => {
    const carryOut = desk();
    assert.ok(keySets.some(({ name }) => name === 'block24'));
    const close = (first: number, count: number): Promise<unknown> =>
      carryOut({
        verb: 'run',
        program: 'nft',
        args: ['-f', '-'],
        input: `${tableLines.join('\n')}\nadd element inet postern block24 { ${Array.from({ length: count }, (_, at) => `${first}.${at >> 8}.${at & 255}.0 timeout 60s`).join(', ')} }\n`,
      });
    try {
      await close(40, 10_000);
      await assert.rejects(close(41, 10_000), /more than 16384 networks of \/24 would be closed out/);
      await close(41, 6000);
      await close(40, 10_000);
    } finally {
      await runCommand('nft', ['flush', 'ruleset']);
    }
  },
);
