/**
 * Questions to the DNS, over UDP and, where an answer does not fit, TCP (RFC 7766). Each goes out from a port of its own with
 * a random number (RFC 5452), so that nobody answers in the resolver's place.
 */
import { Buffer } from 'node:buffer';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { getServers } from 'node:dns';
import { connect, isIPv6 } from 'node:net';
import { decodeReply, dnsCodes, dnsTypes, encodeQuestion } from '../../protocols/dns/message.ts';
import type { DnsReply, DnsType } from '../../protocols/dns/message.ts';

/** What the DNS says of a name; `none`: there is no such name, or it has nothing of this type. */
export type DnsAnswer =
  | { readonly kind: 'found'; readonly values: readonly string[]; readonly ttlSeconds: number | undefined }
  | { readonly kind: 'none'; readonly name: boolean; readonly ttlSeconds: number | undefined }
  | { readonly kind: 'unknown' };
/** Never rejects. */
export type Resolve = (name: string, type: DnsType) => Promise<DnsAnswer>;

export type DnsServer = { readonly host: string; readonly port: number };

const tryMsMax = 1500;
const triesMax = 3;
const unknown: DnsAnswer = { kind: 'unknown' };

/** `127.0.0.1`, `127.0.0.1:5353`, `[::1]:53`. */
const systemServers = (): readonly DnsServer[] =>
  getServers().map((text) => {
    const parts = /^\[?([0-9a-fA-F:.]+?)\]?(?::(\d+))?$/.exec(isIPv6(text) ? `[${text}]` : text);
    return { host: parts?.[1] ?? text, port: Number(parts?.[2] ?? 53) };
  });

const isFor = (reply: DnsReply | undefined, id: number, name: string, type: DnsType): reply is DnsReply =>
  reply !== undefined && reply.id === id && reply.name === name && reply.type === dnsTypes[type];

type Exchange = (server: DnsServer, question: Buffer, accept: (bytes: Buffer) => boolean) => Promise<void>;

const overUdp: Exchange = async ({ host, port }, question, accept) => {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, tryMsMax);
  socket.on('error', () => resolve());
  // Connected: the kernel drops what comes from anybody else.
  socket.on('connect', () => socket.send(question));
  socket.on('message', (bytes) => {
    if (accept(bytes)) resolve();
  });
  socket.connect(port, host);
  await promise;
  clearTimeout(timer);
  socket.close();
};

const overTcp: Exchange = async ({ host, port }, question, accept) => {
  const socket = connect({ host, port });
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, tryMsMax);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(question.length);
  let heard = Buffer.alloc(0);
  socket.on('error', () => resolve()).on('close', () => resolve());
  socket.on('connect', () => socket.write(Buffer.concat([length, question])));
  socket.on('data', (bytes) => {
    heard = Buffer.concat([heard, bytes]);
    if (heard.length < 2 || heard.length < 2 + heard.readUInt16BE(0)) return;
    accept(heard.subarray(2));
    resolve();
  });
  await promise;
  clearTimeout(timer);
  socket.destroy();
};

const answerOf = ({ code, values, ttlSeconds }: DnsReply): DnsAnswer => {
  if (code === dnsCodes.noSuchName) return { kind: 'none', name: false, ttlSeconds };
  if (code !== dnsCodes.ok) return unknown;
  return values.length === 0 ? { kind: 'none', name: true, ttlSeconds } : { kind: 'found', values, ttlSeconds };
};

/** @param servers asked in turn; none: those of the system */
export const createResolver = (servers: readonly DnsServer[]): Resolve => {
  const asked = servers.length === 0 ? systemServers() : servers;
  const ask = async (
    exchange: Exchange,
    server: DnsServer,
    name: string,
    type: DnsType,
  ): Promise<DnsReply | undefined> => {
    const id = randomInt(65_536);
    const question = encodeQuestion({ id, name, type });
    let found: DnsReply | undefined;
    if (question === undefined) return undefined;
    await exchange(server, question, (bytes) => {
      const reply = decodeReply(bytes);
      if (isFor(reply, id, name, type)) found = reply;
      return found !== undefined;
    });
    return found;
  };
  return async (text, type) => {
    const name = text.toLowerCase();
    // What cannot be asked for cannot be there.
    if (encodeQuestion({ id: 0, name, type }) === undefined)
      return { kind: 'none', name: false, ttlSeconds: undefined };
    for (let attempt = 0; attempt < triesMax; attempt++) {
      const server = asked[attempt % asked.length];
      if (server === undefined) return unknown;
      let reply = await ask(overUdp, server, name, type);
      if (reply?.truncated === true) reply = await ask(overTcp, server, name, type);
      if (reply === undefined || reply.truncated) continue;
      const answer = answerOf(reply);
      // What one cannot say, because it failed or refuses us, the next one may know.
      if (answer.kind !== 'unknown' || attempt + 1 >= asked.length) return answer;
    }
    return unknown;
  };
};
