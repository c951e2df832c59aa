/** Asks the helper to carry out, over its socket; connects when there is something to ask, and again when it is gone. */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { Fault } from '../model/fault.ts';
import type { CarryOut, Verb, VerbAnswer } from '../model/verb.ts';
import { answeredIn, encode } from './wire.ts';

type Waiting = { readonly resolve: (answer: unknown) => void; readonly reject: (error: Fault) => void };

/** @param path the helper's socket */
export const askHelper = (path: string): CarryOut => {
  const waiting = new Map<number, Waiting>();
  let socket: Socket | undefined;
  let next = 1;

  const lose = (lost: Socket, why: string): void => {
    if (socket !== lost) return;
    socket = undefined;
    for (const { reject } of waiting.values())
      reject(new Fault('PARTLY_DONE', `the helper at ${path} is not there (${why}): systemctl status postern-helper`));
    waiting.clear();
  };
  const hear = (line: string): void => {
    const answered = answeredIn(line);
    const asked = answered === undefined ? undefined : waiting.get(answered.id);
    if (answered === undefined || asked === undefined) return;
    waiting.delete(answered.id);
    if ('code' in answered) asked.reject(new Fault(answered.code, answered.message));
    else asked.resolve(answered.answer);
    if (waiting.size === 0) socket?.unref();
  };
  const open = (): Socket => {
    const fresh = createConnection({ path });
    let held: Buffer[] = [];
    fresh.on('data', (chunk: Buffer) => {
      let rest = chunk;
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        hear(Buffer.concat([...held, rest.subarray(0, end)]).toString('utf8'));
        held = [];
        rest = rest.subarray(end + 1);
      }
      held.push(rest);
    });
    fresh.on('error', (error) => lose(fresh, error.message));
    fresh.on('close', () => lose(fresh, 'it closed the connection'));
    return fresh;
  };

  return async <V extends Verb>(verb: V): Promise<VerbAnswer<V>> => {
    socket ??= open();
    socket.ref();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = next++;
    waiting.set(id, { resolve, reject });
    socket.write(`${encode({ id, verb })}\n`);
    // Our own helper answers each verb in its form; it is as trusted as we are.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return (await promise) as VerbAnswer<V>;
  };
};
