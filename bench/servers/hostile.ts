/**
 * So many hostile sessions a second, each from one of 500 addresses in networks of their own, each with one guess at a
 * recipient, all of it sent behind the greeting. `hostile.ts ADDRESS PER-SECOND SECONDS` prints what it came to as JSON.
 */
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const [address = '', perSecond = '', seconds = ''] = process.argv.slice(2);
const attackers = 500;
const tickMs = 10;
/** More at once are not opened: a server that does not keep up is told by `finished`. */
const openMax = 1000;

let started = 0;
let open = 0;
let skipped = 0;
let finished = 0;
const answers = new Map<string, number>();

const session = (): void => {
  const attacker = started++ % attackers;
  const socket = connect({ host: address, port: 25, localAddress: `45.${attacker >> 6}.${attacker & 63}.7` });
  let heard = '';
  open++;
  socket.once('data', () =>
    socket.write(
      `EHLO bot.test\r\nMAIL FROM:<x@remote.test>\r\nRCPT TO:<guess${started}@lab.test>\r\nQUIT\r\n`,
      'latin1',
    ),
  );
  socket.on('data', (bytes) => (heard += bytes.toString('latin1')));
  socket.on('error', () => undefined);
  socket.once('close', () => {
    open--;
    finished++;
    // The first answer that refuses.
    const code = /^([45]\d\d)[ -]/m.exec(heard)?.[1] ?? 'none';
    answers.set(code, (answers.get(code) ?? 0) + 1);
  });
};

const began = performance.now();
const wanted = Number(perSecond) * Number(seconds);
for (let due = 0; due < wanted; await pause(tickMs)) {
  due = Math.min(wanted, ((performance.now() - began) / 1000) * Number(perSecond));
  for (; started + skipped < due;)
    if (open < openMax) session();
    else skipped++;
}
const tookSeconds = (performance.now() - began) / 1000;
process.stdout.write(
  `${JSON.stringify({ perSecond: finished / tookSeconds, skipped, answers: Object.fromEntries(answers) })}\n`,
);
process.exit(0);
