/**
 * Sessions whose only recipient does not exist: at Postfix's smtpd alone, through the gate to the same Postfix, and of a
 * client that the gate knows to be hostile. In the tests' lab, with real Postfix:
 *
 *   node test/run.mjs --run bench/gate/refused.ts test/ [--rounds 3] [--sessions 2000]
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { awaitPorts } from '../../test/servers/lab/await.ts';
import { hosts } from '../../test/servers/lab/network.ts';
import { startPostfix } from '../../test/servers/lab/postfix.ts';
import { startWorld } from '../../test/servers/lab/world.ts';
import { cpuSecondsOf, describeMachine, medianOf, tableOf } from '../machine.ts';
import { runLoad } from './load.ts';

const { values: options } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, sessions: { type: 'string', default: '2000' } },
});
const rounds = Number(options.rounds);
const sessions = Number(options.sessions);
const [port, portOfTwo] = [19_027, 19_029];
const atOnce = 20;
const steps = ['EHLO client.test', 'MAIL FROM:<s@remote.test>', 'RCPT TO:<nobody@lab.test>', 'QUIT'];

/** All that runs from Postfix's folder. */
const postfixCpu = (): number => {
  let seconds = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (
        readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('/postfix/') ||
        /\((smtpd|anvil|proxymap|trivial-rewrite|cleanup|qmgr|tlsmgr)\)/.test(
          readFileSync(`/proc/${pid}/stat`, 'latin1'),
        )
      )
        seconds += cpuSecondsOf(Number(pid));
    } catch {
      // It has ended meanwhile.
    }
  }
  return seconds;
};

await using world = await startWorld();
await using postfix = await startPostfix({
  mainCf: {
    smtpd_authorized_xclient_hosts: '192.0.2.0/24, 127.0.0.0/8',
    smtpd_client_event_limit_exceptions: '0.0.0.0/0',
    smtpd_client_connection_count_limit: '0',
    smtpd_recipient_restrictions: '',
    smtpd_peername_lookup: 'no',
    // Its processes live through the run, so that their time can be read.
    max_use: '1000000',
    max_idle: '600s',
  },
});
const startGate = (at: number, threads: number): ChildProcess =>
  spawn(
    process.execPath,
    [join(import.meta.dirname, 'gate-service.ts'), `${at}`, '25', '0', hosts.postfix, '0', `${threads}`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
const [gate, gateOfTwo] = [startGate(port, 1), startGate(portOfTwo, 2)];
await awaitPorts('127.0.0.1', [port, portOfTwo]);

type Way = {
  readonly name: string;
  readonly target: { readonly host: string; readonly port: number };
  readonly network: string;
  readonly service: ChildProcess;
};
const ways: readonly Way[] = [
  { name: 'Postfix alone', target: { host: postfix.address, port: 25 }, network: '127.0.3', service: gate },
  { name: 'gate, and Postfix behind it', target: { host: '127.0.0.1', port }, network: '127.0.3', service: gate },
  {
    name: 'gate of two threads, and Postfix behind it',
    target: { host: '127.0.0.1', port: portOfTwo },
    network: '127.0.3',
    service: gateOfTwo,
  },
  {
    name: 'gate, a client known to be hostile',
    target: { host: '127.0.0.1', port },
    network: '127.0.9',
    service: gate,
  },
];
const measured = new Map<string, { rate: number; gate: number; postfix: number }[]>(ways.map(({ name }) => [name, []]));
try {
  for (let round = 0; round <= rounds; round++) {
    for (const { name, target, network, service } of ways) {
      const [gateBefore, postfixBefore] = [cpuSecondsOf(service.pid ?? 0), postfixCpu()];
      const { rate, answered } = await runLoad(target, steps, {
        sessions,
        atOnce,
        from: (at) => `${network}.${(at % 250) + 1}`,
      });
      if (answered < sessions && network !== '127.0.9')
        throw new Error(`${name}: ${answered} of ${sessions} were answered to the end`);
      const each = (seconds: number): number => (seconds / sessions) * 1e6;
      // The first round warms up.
      if (round > 0)
        measured.get(name)?.push({
          rate,
          gate: each(cpuSecondsOf(service.pid ?? 0) - gateBefore),
          postfix: each(postfixCpu() - postfixBefore),
        });
    }
  }
} finally {
  for (const service of [gate, gateOfTwo]) {
    service.kill();
    await once(service, 'exit');
  }
}
void world;
const rows = ways.map(({ name }) => {
  const all = measured.get(name) ?? [];
  const median = (pick: (one: { rate: number; gate: number; postfix: number }) => number): string =>
    Math.round(medianOf(all.map(pick))).toLocaleString('en');
  return [name, median(({ rate }) => rate), median(({ gate: own }) => own), median(({ postfix: own }) => own)];
});
console.log(`### Gate, recipients that do not exist: ${describeMachine()}\n`);
console.log(
  `Medians of ${rounds} rounds of ${sessions.toLocaleString('en')} sessions, ${atOnce} at once; the load runs on the same cores.\n`,
);
console.log(tableOf([['server', 'sessions/s', 'gate CPU µs each', 'Postfix CPU µs each'], ...rows]));
const against = (name: string, peer: string): readonly string[] => {
  const rateOf = (wanted: string): number => medianOf((measured.get(wanted) ?? []).map(({ rate }) => rate));
  const cpuOf = (wanted: string): number => medianOf((measured.get(wanted) ?? []).map((one) => one.gate + one.postfix));
  return [name, (rateOf(name) / rateOf(peer)).toFixed(2), (cpuOf(name) / cpuOf(peer)).toFixed(2)];
};
const goals = ['goal', '>= 1', '<= 0.33'];
const gates = ways.slice(1).map(({ name }) => against(name, ways[0]?.name ?? ''));
console.log(`\n${tableOf([['against Postfix alone', 'sessions/s', 'CPU of both'], goals, ...gates])}`);
