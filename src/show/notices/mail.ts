/**
 * A mail by our own submission (RFC 5321, STARTTLS RFC 3207, AUTH PLAIN RFC 4616), so that it does not wait in the queue that
 * may be frozen: name another server than the one that is guarded.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';
import { noticeText } from './notice.ts';
import type { Channel, Notice } from './notice.ts';

export type MailChoice = {
  /** `smtp://[USER@]HOST[:PORT][?tls=off]` or `smtps://…` */
  readonly server: string;
  readonly password: string | undefined;
  readonly from: string;
  readonly to: readonly string[];
};

const patienceMs = 30_000;
const replyLinesMax = 100;

type Talk = { readonly socket: Socket; readonly lines: AsyncIterator<string> };

const talkOver = (socket: Socket): Talk => ({
  socket,
  lines: createInterface({ input: socket })[Symbol.asyncIterator](),
});

const replyOf = async ({ lines }: Talk): Promise<string[]> => {
  const reply: string[] = [];
  while (reply.length < replyLinesMax) {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the mail server closed the connection');
    reply.push(value);
    if (value[3] !== '-') return reply;
  }
  throw new Error('the mail server does not come to an end');
};

const say = async (talk: Talk, command: string, expected: string): Promise<string[]> => {
  talk.socket.write(`${command}\r\n`);
  const reply = await replyOf(talk);
  const last = reply.at(-1) ?? '';
  if (!last.startsWith(expected)) throw new Error(`the mail server answered ${last.slice(0, 200)}`);
  return reply;
};

const isOffered = (reply: readonly string[], word: string): boolean =>
  reply.some((line) => line.slice(4).toUpperCase().split(' ')[0] === word);

const messageOf = (notice: Notice, { from, to }: MailChoice): string => {
  const body = Buffer.from(`${noticeText(notice)}\n`)
    .toString('base64')
    .replaceAll(/.{76}/g, '$&\r\n');
  const subject = Buffer.from(`[postern ${notice.host}] ${notice.title}`.slice(0, 200)).toString('base64');
  return [
    `From: Postern <${from}>`,
    `To: ${to.map((address) => `<${address}>`).join(', ')}`,
    `Subject: ${(subject.match(/.{1,48}/g) ?? []).map((part) => `=?utf-8?B?${part}?=`).join('\r\n ')}`,
    `Date: ${new Date(notice.time).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${randomUUID()}@${notice.host}>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    body,
    '.',
  ].join('\r\n');
};

const open = async (url: URL, given: AbortSignal | undefined): Promise<Socket> => {
  const secure = url.protocol === 'smtps:';
  const port = url.port === '' ? (secure ? 465 : 587) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const socket = secure ? connectTls({ host, port, servername: host }) : connect({ host, port });
  const signal = AbortSignal.any([AbortSignal.timeout(patienceMs), ...(given === undefined ? [] : [given])]);
  try {
    await once(socket, secure ? 'secureConnect' : 'connect', { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('the mail server does not answer')));
  return socket;
};

const isLoopback = (host: string): boolean => host === 'localhost' || host === '127.0.0.1' || host === '[::1]';

/** After the greeting: TLS, unless the server is this machine or `?tls=off` was said. */
const secured = async (talk: Talk, url: URL, own: string): Promise<Talk> => {
  const offer = await say(talk, `EHLO ${own}`, '250');
  const isPlain = isLoopback(url.hostname) || url.searchParams.get('tls') === 'off';
  if (url.protocol === 'smtps:' || isPlain) return talk;
  if (!isOffered(offer, 'STARTTLS')) throw new Error(`${url.hostname} offers no TLS`);
  await say(talk, 'STARTTLS', '220');
  const socket = connectTls({ socket: talk.socket, servername: url.hostname });
  await once(socket, 'secureConnect', { signal: AbortSignal.timeout(patienceMs) });
  const safe = talkOver(socket);
  await say(safe, `EHLO ${own}`, '250');
  return safe;
};

export const mailChannel = (choice: MailChoice): Channel => ({
  name: 'mail',
  send: async (notice, given) => {
    const url = new URL(choice.server);
    const socket = await open(url, given);
    const giveUp = (): void => void socket.destroy();
    given?.addEventListener('abort', giveUp);
    try {
      const first = talkOver(socket);
      const greeting = (await replyOf(first)).at(-1) ?? '';
      if (!greeting.startsWith('220')) throw new Error(`the mail server answered ${greeting.slice(0, 200)}`);
      const talk = await secured(first, url, notice.host);
      if (url.username !== '' && choice.password !== undefined) {
        const secret = Buffer.from(`\0${decodeURIComponent(url.username)}\0${choice.password}`).toString('base64');
        await say(talk, `AUTH PLAIN ${secret}`, '235');
      }
      await say(talk, `MAIL FROM:<${choice.from}>`, '250');
      for (const address of choice.to) await say(talk, `RCPT TO:<${address}>`, '25');
      await say(talk, 'DATA', '354');
      await say(talk, messageOf(notice, choice), '250');
      talk.socket.write('QUIT\r\n');
    } finally {
      given?.removeEventListener('abort', giveUp);
      socket.destroy();
    }
  },
});
