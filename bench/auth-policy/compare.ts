/**
 * Dovecot's authentication policy: our service with the judge beside a bare node:http server that reads the same JSON and
 * answers a constant. One thread each, turn by turn in one run; the load is this process.
 *
 *   node bench/auth-policy/compare.ts [--rounds 5] [--seconds 3]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuSecondsOf, describeMachine, medianOf, tableOf } from '../machine.ts';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '3' } },
});
const connections = 20;
const port = 19_043;
const waitTurnsMax = 200;

/** As Dovecot 2.3 sends it. @param client a number that makes address and account */
const requestOf = (client: number): string => {
  const body = JSON.stringify({
    device_id: '',
    login: `user${client % 5000}@lab.test`,
    protocol: 'imap',
    pwhash: '0b3',
    remote: `203.${client % 200}.${client % 250}.7`,
    tls: true,
    session_id: `s${client}`,
  });
  return `POST /?command=allow HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: dovecot/auth-policy-client\r\nConnection: Keep-Alive\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};
const requests = Array.from({ length: 1000 }, (_, at) => requestOf(at));

const dial = async (): Promise<Socket> => {
  for (let turn = 0; ; turn++) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (turn === waitTurnsMax) throw error;
      await pause(50);
    }
  }
};

/** Answers until a time; each connection has one question at a time. */
const play = async (until: number): Promise<number> => {
  let answers = 0;
  const playOne = async (first: number): Promise<void> => {
    const socket = await dial();
    let next = first;
    socket.on('data', (bytes: Buffer) => {
      // An answer is one segment, and ends with its body.
      if (!bytes.toString('latin1').endsWith('}')) return;
      answers++;
      if (performance.now() < until) socket.write(requests[++next % requests.length] ?? '');
      else socket.destroy();
    });
    socket.write(requests[next % requests.length] ?? '');
    await once(socket, 'close');
  };
  await Promise.all(Array.from({ length: connections }, (_, at) => playOne(at * 37)));
  return answers;
};

type Measured = { readonly rate: number; readonly cpu: number };
const measure = async (service: string): Promise<Measured> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, service), String(port)], { stdio: 'inherit' });
  try {
    const seconds = Number(options.seconds);
    await play(performance.now() + 1000); // warm
    const cpuBefore = cpuSecondsOf(child.pid ?? 0);
    const answers = await play(performance.now() + seconds * 1000);
    return { rate: answers / seconds, cpu: ((cpuSecondsOf(child.pid ?? 0) - cpuBefore) * 1e6) / answers };
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
};

const services = ['bare-service.ts', 'postern-service.ts'] as const;
const measured = new Map<string, Measured[]>(services.map((service) => [service, []]));
for (let round = 0; round < Number(options.rounds); round++)
  for (const service of round % 2 === 0 ? services : services.toReversed())
    measured.get(service)?.push(await measure(service));
const median = (service: string, of: keyof Measured): number =>
  medianOf((measured.get(service) ?? []).map((one) => one[of]));
const [bare, postern] = services;

console.log(`### Authentication policy: ${describeMachine()}\n`);
console.log(
  `Medians of ${options.rounds} rounds of ${options.seconds} s; ${connections} connections, one question at a time each.\n`,
);
console.log(
  tableOf([
    ['service', 'answers/s', 'CPU s per million'],
    ['bare node:http', median(bare, 'rate').toFixed(0), median(bare, 'cpu').toFixed(1)],
    ['postern', median(postern, 'rate').toFixed(0), median(postern, 'cpu').toFixed(1)],
    [
      'postern against bare',
      (median(postern, 'rate') / median(bare, 'rate')).toFixed(2),
      (median(bare, 'cpu') / median(postern, 'cpu')).toFixed(2),
    ],
  ]),
);
