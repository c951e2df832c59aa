/** What a bench does to a mail server: whole messages as fast as they are taken or at a pace, and single recipients, timed. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { runCommand } from '../../test/servers/lab/daemon.ts';

const sessionsAtOnce = 8;
export const messageBytes = 4096;
const recipientsPerSession = 10;
/** `smtp-source -w 1` waits half a second on the average before each message. */
const meanWaitSeconds = 0.5;

export type Target = { readonly address: string; readonly recipient: string };

const source = (sessions: number, messages: number, { address, recipient }: Target, more: readonly string[]) =>
  runCommand('smtp-source', [
    ...`-s ${sessions} -m ${messages} -l ${messageBytes} -f s@remote.test -t ${recipient}`.split(' '),
    ...more,
    `${address}:25`,
  ]);

/** Accepted messages a second, each in a session of its own, eight at once. */
export const rateOf = async (target: Target, messages: number): Promise<number> => {
  const before = performance.now();
  await source(sessionsAtOnce, messages, target, []);
  return messages / ((performance.now() - before) / 1000);
};

/** Messages come at random moments, so many a second on the average. */
const sendAtPace = async (target: Target, perSecond: number, seconds: number): Promise<void> => {
  const sessions = Math.max(1, Math.round(perSecond * meanWaitSeconds));
  await source(sessions, Math.ceil(perSecond * seconds), target, ['-w', '1']);
};

/** How long each RCPT of one session waits for its answer, in milliseconds. @param from any address of the lab's world */
export const recipientTimes = async ({ address, recipient }: Target, from?: string): Promise<readonly number[]> => {
  const socket = connect({
    port: 25,
    host: address,
    noDelay: true,
    ...(from === undefined ? {} : { localAddress: from }),
  });
  let heard = '';
  let wake = (): void => {};
  socket.on('data', (bytes) => {
    heard += bytes.toString('latin1');
    wake();
  });
  socket.on('close', () => wake());
  const say = async (line: string): Promise<void> => {
    heard = '';
    if (line !== '') socket.write(`${line}\r\n`);
    while (!/^\d{3} .*\r\n/m.test(heard)) {
      if (socket.destroyed) throw new Error(`${address} hung up at ${line}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
    if (!/^[23]/.test(heard)) throw new Error(`${line}: ${heard}`);
  };
  await once(socket, 'connect');
  for (const line of ['', 'EHLO bench.test', 'MAIL FROM:<s@remote.test>']) await say(line);
  const times: number[] = [];
  for (let at = 0; at < recipientsPerSession; at++) {
    const before = performance.now();
    await say(`RCPT TO:<${recipient}>`);
    times.push(performance.now() - before);
  }
  socket.destroy();
  return times;
};

/** The same, session after session, for as long as mail comes at a pace beside them. */
export const recipientTimesUnderLoad = async (
  target: Target,
  perSecond: number,
  seconds: number,
): Promise<readonly number[]> => {
  let over = false;
  const load = sendAtPace(target, perSecond, seconds).finally(() => (over = true));
  const times: number[] = [];
  while (!over) times.push(...(await recipientTimes(target)));
  await load;
  return times;
};

/** @param share 0.99 for the 99th percentile */
export const quantileOf = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? Number.NaN;
