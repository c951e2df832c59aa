/** One SMTP session after another, as fast as a server answers, and how long each answer took. */
import { once } from 'node:events';
import { connect } from 'node:net';

export type Target = { readonly host: string; readonly port: number };

/** @returns microseconds until each answer; the first one is the greeting's */
const session = async (target: Target, from: string, steps: readonly string[]): Promise<readonly number[]> => {
  const times: number[] = [];
  let began = process.hrtime.bigint();
  const socket = connect({ ...target, localAddress: from, noDelay: true });
  const { promise, resolve } = Promise.withResolvers<void>();
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('error', () => resolve()).on('close', () => resolve());
  socket.on('data', (text: string) => {
    rest += text;
    // The last line of a reply has a space behind its code.
    if (!/^\d{3} .*\r\n$/m.test(rest)) return;
    rest = '';
    times.push(Number(process.hrtime.bigint() - began) / 1000);
    const step = steps[times.length - 1];
    began = process.hrtime.bigint();
    if (step === undefined) socket.end();
    else socket.write(`${step}\r\n`);
  });
  await Promise.race([once(socket, 'connect').catch(() => undefined), promise]);
  await promise;
  socket.destroy();
  return times;
};

export type Load = { readonly rate: number; readonly answered: number; readonly times: readonly number[] };

/** @param from the client of each session, by its number */
export const runLoad = async (
  target: Target,
  steps: readonly string[],
  {
    sessions,
    atOnce,
    from,
  }: { readonly sessions: number; readonly atOnce: number; readonly from: (at: number) => string },
): Promise<Load> => {
  const times: number[] = [];
  let next = 0;
  let answered = 0;
  const began = process.hrtime.bigint();
  const client = async (): Promise<void> => {
    while (next < sessions) {
      const heard = await session(target, from(next++), steps);
      if (heard.length > steps.length) answered++;
      // Behind the greeting, which waits for the connection.
      times.push(...heard.slice(1));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return { rate: sessions / (Number(process.hrtime.bigint() - began) / 1e9), answered, times };
};
