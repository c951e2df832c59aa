/** The helper as a process of its own: carries out verbs for whoever may open its socket, which is one user. */
import { lchownSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { Fault, errorWords } from '../model/fault.ts';
import type { CarryOut } from '../model/verb.ts';
import { askedIn, encode, lineBytesMax } from './wire.ts';

export type Serving = { readonly stop: () => Promise<void> };

const connectionsMax = 8;
const underwayMax = 256;

const answerLine = async (line: string, carryOut: CarryOut): Promise<string> => {
  const asked = askedIn(line);
  if (asked === undefined) return encode({ id: 0, code: 'REFUSED_FOR_SAFETY', message: 'that is no verb' });
  const { id, verb } = asked;
  try {
    return encode({ id, answer: await carryOut(verb) });
  } catch (error) {
    const code = error instanceof Fault ? error.code : 'PARTLY_DONE';
    return encode({ id, code, message: errorWords(error) });
  }
};

/** Cuts lines and answers each when it is carried out: files together (`times.ts`). A line too long ends the connection. */
const serveSocket = (socket: Socket, carryOut: CarryOut): void => {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let underway = 0;
  const goOn = (): void => {
    // Answers that are not read are not piled up.
    if (underway >= underwayMax || socket.writableNeedDrain) socket.pause();
    else socket.resume();
  };
  const take = (line: string): void => {
    underway++;
    goOn();
    void answerLine(line, carryOut).then((answer) => {
      underway--;
      if (socket.destroyed) return;
      socket.write(`${answer}\n`);
      goOn();
    });
  };
  socket.on('drain', goOn);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      take(Buffer.concat([...held, rest.subarray(0, end)]).toString('utf8'));
      held = [];
      heldBytes = 0;
      rest = rest.subarray(end + 1);
    }
    held.push(rest);
    heldBytes += rest.length;
    if (heldBytes > lineBytesMax) socket.destroy();
  });
};

/** @param owner who may open the socket. @throws Fault CONFIG when it cannot be made */
export const serveHelper = async (
  path: string,
  owner: { readonly uid: number; readonly gid: number },
  carryOut: CarryOut,
): Promise<Serving> => {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(path);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serveSocket(socket, carryOut);
  });
  server.maxConnections = connectionsMax;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (error) => reject(new Fault('CONFIG', `cannot listen on ${path}: ${error.message}`)));
  const before = process.umask(0o177);
  server.listen(path, resolve);
  process.umask(before);
  await promise;
  // Whoever may write to its folder may have put a link there by now.
  lchownSync(path, owner.uid, owner.gid);
  return {
    stop: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
};
