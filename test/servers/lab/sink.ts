/**
 * "The internet": an SMTP server that takes the lab's outgoing mail and answers by the recipient's local part:
 * `defer…` 451, `bounce…` 550, `full…` 552, all others 250.
 */
import { EventEmitter, on, once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { patienceMs } from './await.ts';
import { stoppable } from './daemon.ts';
import type { Stoppable } from './daemon.ts';
import { hosts } from './network.ts';

type SunkMessage = { readonly sender: string; readonly recipients: readonly string[]; readonly data: string };

export type Sink = {
  readonly messages: readonly SunkMessage[];
  /** The first message to a recipient, once it has come. */
  readonly messageTo: (recipient: string) => Promise<SunkMessage>;
  /** Ends what `takes` began. */
  readonly takeAll: () => void;
} & Stoppable;

const refusals: readonly (readonly [string, string])[] = [
  ['defer', '451 4.3.2 try again later'],
  ['bounce', '550 5.1.1 no such user here'],
  ['full', '552 5.2.2 mailbox full'],
];

const addressIn = (line: string): string => line.slice(line.indexOf('<') + 1, line.indexOf('>'));

/** One connection: takes a line, gives the reply ('' while a message is read). */
const receiver = (deliver: (message: SunkMessage) => void): ((line: string) => string) => {
  let sender = '';
  let recipients: string[] = [];
  let data: string[] | undefined;
  const takeDataLine = (lines: string[], line: string): string => {
    if (line !== '.') {
      lines.push(line);
      return '';
    }
    deliver({ sender, recipients, data: lines.join('\n') });
    data = undefined;
    return '250 2.0.0 sunk';
  };
  const recipient = (address: string): string => {
    const refusal = refusals.find(([start]) => address.startsWith(start));
    if (refusal === undefined) recipients.push(address);
    return refusal?.[1] ?? '250 2.1.5 ok';
  };
  const verbs = new Map<string, (line: string) => string>([
    ['EHLO', () => '250-mx.internet.test\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250 8BITMIME'],
    [
      'MAIL',
      (line) => {
        sender = addressIn(line);
        recipients = [];
        return '250 2.1.0 ok';
      },
    ],
    ['RCPT', (line) => recipient(addressIn(line))],
    [
      'DATA',
      () => {
        if (recipients.length === 0) return '554 5.5.1 no valid recipients';
        data = [];
        return '354 go on';
      },
    ],
    ['QUIT', () => '221 2.0.0 bye'],
  ]);
  return (line) => {
    if (data !== undefined) return takeDataLine(data, line);
    return verbs.get(line.slice(0, 4).toUpperCase())?.(line) ?? '250 2.0.0 ok';
  };
};

/** @returns false when it is to be done now; true: it will be, later */
type Park = (work: () => void) => boolean;

const serve = (socket: Socket, deliver: (message: SunkMessage) => void, park: Park): void => {
  const receive = receiver(deliver);
  let rest = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy()); // a client that resets is no failure of the lab
  const take = (chunk: string): void => {
    const lines = `${rest}${chunk}`.split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const reply = receive(line);
      if (reply !== '') socket.write(`${reply}\r\n`);
      if (reply.startsWith('221')) socket.end();
    }
  };
  socket.on('data', (chunk: string) => {
    if (park(() => take(chunk))) return;
    take(chunk);
  });
  socket.write('220 mx.internet.test ESMTP\r\n');
};

/** @param takes so many messages; then everybody waits for an answer until `takeAll` */
export const startSink = async (takes = Infinity): Promise<Sink> => {
  const messages: SunkMessage[] = [];
  const arrivals = new EventEmitter();
  const sockets = new Set<Socket>();
  let takesMax = takes;
  let parked: (() => void)[] = [];
  const park: Park = (work) => {
    if (messages.length < takesMax) return false;
    parked.push(work);
    return true;
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(
      socket,
      (message) => {
        messages.push(message);
        arrivals.emit('message');
      },
      park,
    );
  });
  server.listen(25, hosts.internet);
  await once(server, 'listening');
  const messageTo = async (recipient: string): Promise<SunkMessage> => {
    const found = (): SunkMessage | undefined => messages.find(({ recipients }) => recipients.includes(recipient));
    const arrived = on(arrivals, 'message', { signal: AbortSignal.timeout(patienceMs) });
    try {
      for (let message = found(); ; message = found()) {
        if (message !== undefined) return message;
        await arrived.next();
      }
    } finally {
      await arrived.return?.();
    }
  };
  return {
    messages,
    messageTo,
    takeAll: () => {
      takesMax = Infinity;
      const works = parked;
      parked = [];
      for (const work of works) work();
    },
    ...stoppable(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    }),
  };
};
