/**
 * The real server behind the gate, over SMTP: nothing is sent there before a recipient or a login deserves it. The
 * client's address goes along by XCLIENT (Postfix XCLIENT_README) where the server offers it, by a PROXY v2 header
 * (haproxy's proxy-protocol.txt) where it was chosen, and in a Received line in any case.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, isIPv4 } from 'node:net';
import { hostname } from 'node:os';
import type { Parameters } from '../../protocols/smtp/command.ts';
import { createDots } from '../../protocols/smtp/dots.ts';
import { proxyHeader } from '../../protocols/proxy/header.ts';
import type { SmtpReply } from '../../protocols/smtp/reply.ts';
import type { Destination, Link, Peer } from './destination.ts';
import { createPool } from './pool.ts';
import { createWire } from './wire.ts';
import type { Wire } from './wire.ts';

export type BackendSettings = {
  readonly host: string;
  readonly port: number;
  /** `auto`: XCLIENT where it is offered. `proxy`: only when the server expects the header on this port. */
  readonly passClient: 'auto' | 'proxy' | 'received';
  /** For each of its replies, and each block of a message that it takes; twice as much for the last one. */
  readonly replyMsMax: number;
};

const unreachable = 'the server behind the gate';
const connectMsMax = 10_000;
/** No mechanism has more rounds; a server that asks on and on is out of step. */
const challengesMax = 10;
const keywordsMs = 60_000;
/** A server that is down is not asked at each EHLO: that would make every client wait. */
const keywordsRetryMs = 5000;

/** xtext (RFC 3461 §4), as XCLIENT wants its values. */
const xtext = (text: string): string =>
  text.replaceAll(/[^!-*,-<>-~]/g, (char) => `+${char.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`);

const dial = async (
  { host, port, passClient, replyMsMax }: BackendSettings,
  peer: Peer | undefined,
): Promise<{ wire: Wire; keywords: readonly string[]; isPooled: boolean }> => {
  const socket = connect({ host, port, noDelay: true });
  socket.setTimeout(connectMsMax, () => socket.destroy(new Error(`${unreachable} does not answer`)));
  await once(socket, 'connect');
  socket.setTimeout(0);
  const wire = createWire(socket, unreachable, replyMsMax);
  const local = { address: '127.0.0.1', port: 0 };
  if (passClient === 'proxy') socket.write(proxyHeader(peer ?? local, { address: '127.0.0.1', port }));
  /** Of the right class: `smtp-sink` answers XCLIENT with 250, Postfix with 220. */
  const expect = (wanted: number, heard: SmtpReply): SmtpReply => {
    if (Math.floor(heard.code / 100) === Math.floor(wanted / 100)) return heard;
    socket.destroy();
    throw new Error(`${unreachable} said ${heard.code} ${heard.lines[0] ?? ''}`);
  };
  expect(220, await wire.hear(Math.min(connectMsMax, replyMsMax)));
  let hello = expect(250, await wire.say(`EHLO ${hostname()}`));
  const xclient = hello.lines.find((line) => line.toUpperCase().startsWith('XCLIENT '));
  if (peer !== undefined && passClient === 'auto' && xclient !== undefined) {
    const offered = new Set(xclient.toUpperCase().split(' '));
    const address = isIPv4(peer.address) ? peer.address : `IPV6:${peer.address}`;
    const wanted: readonly (readonly [string, string])[] = [
      ['NAME', '[UNAVAILABLE]'],
      ['ADDR', address],
      ['PORT', String(peer.port)],
      ['PROTO', peer.esmtp ? 'ESMTP' : 'SMTP'],
      ['HELO', xtext(peer.helo)],
    ];
    const told = wanted.flatMap(([name, value]) => (offered.has(name) ? [`${name}=${value}`] : []));
    expect(220, await wire.say(`XCLIENT ${told.join(' ')}`));
    hello = expect(250, await wire.say(`EHLO ${peer.helo}`));
  }
  const isPooled = passClient !== 'proxy' && (passClient === 'received' || xclient === undefined);
  return { wire, keywords: hello.lines.slice(1), isPooled };
};

const parametersText = (parameters: Parameters): string =>
  [...parameters].map(([keyword, value]) => ` ${keyword}${value === '' ? '' : `=${value}`}`).join('');

const receivedLine = (peer: Peer): string =>
  `Received: from ${peer.helo} ([${peer.address}])\r\n\tby ${hostname()} (Postern gate) with ${peer.esmtp ? 'ESMTP' : 'SMTP'}${peer.tls ? 'S' : ''};\r\n\t${new Date().toUTCString()}\r\n`;

/** @param putBack takes the connection after a session in which nothing was refused and nobody logged in */
const createLink = (wire: Wire, peer: Peer, replyMsMax: number, putBack: (() => void) | undefined): Link => {
  let dots = createDots();
  let isClean = true;
  const { socket } = wire;
  /** A reply that cannot be one to this command belongs to another, and nothing after it can be relied on; 421 is its last. */
  const inStep = (heard: SmtpReply, wanted: (code: number) => boolean): SmtpReply => {
    if (heard.code >= 400) isClean = false;
    if (heard.code !== 421 && (heard.code >= 400 || wanted(heard.code))) return heard;
    socket.destroy();
    throw new Error(`${unreachable} said ${heard.code} ${heard.lines[0] ?? ''}`);
  };
  const isSuccess = (code: number): boolean => code < 300;
  const run = async (line: string): Promise<SmtpReply> => inStep(await wire.say(line), isSuccess);
  return {
    auth: async (line, ask) => {
      isClean = false;
      let heard = await wire.say(line);
      for (let round = 1; heard.code === 334; round++) {
        if (round > challengesMax) throw new Error(`${unreachable} asks on and on`);
        heard = await wire.say(await ask(heard));
      }
      return inStep(heard, (code) => code === 235);
    },
    mail: (path, parameters) => run(`MAIL FROM:<${path}>${parametersText(parameters)}`),
    rcpt: (path, parameters) => run(`RCPT TO:<${path}>${parametersText(parameters)}`),
    data: async () => {
      const heard = inStep(await wire.say('DATA'), (code) => code === 354);
      dots = createDots();
      if (heard.code === 354) await wire.put(dots.put(Buffer.from(receivedLine(peer), 'latin1')));
      return heard;
    },
    content: (bytes) => wire.put(dots.put(bytes)),
    finish: async () => {
      await wire.put(dots.end());
      // Twice the patience (RFC 5321 §4.5.3.2.6): giving up here makes a message come twice.
      return inStep(await wire.hear(2 * replyMsMax), isSuccess);
    },
    // A message without its end is none (RFC 5321 §4.1.1.4): the server forgets it with the connection.
    abort: () => socket.destroy(),
    reset: async () => {
      if (!socket.destroyed) await run('RSET');
    },
    close: () => {
      if (socket.destroyed) return;
      if (isClean && putBack !== undefined) putBack();
      else socket.end('QUIT\r\n');
    },
  };
};

/** Keywords that go through the gate unchanged; the gate has its own STARTTLS, PIPELINING and CHUNKING. */
const passed = new Set(['SIZE', '8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES', 'AUTH']);

export const createBackend = (settings: BackendSettings): Destination => {
  const pool = createPool();
  let known: readonly string[] = [];
  let askedAt = -Infinity;
  return {
    keywords: async () => {
      if (Date.now() - askedAt < keywordsMs) return known;
      askedAt = Date.now();
      try {
        const { wire, keywords } = await dial(settings, undefined);
        wire.socket.end('QUIT\r\n');
        known = keywords.filter((keyword) => passed.has(keyword.split(' ', 1)[0]?.toUpperCase() ?? ''));
      } catch {
        // What it offered before holds until it is back; a session learns of the failure when it needs the server.
        askedAt = Date.now() - keywordsMs + keywordsRetryMs;
      }
      return known;
    },
    open: async (peer) => {
      const kept = await pool.take();
      if (kept !== undefined) return createLink(kept.wire, peer, settings.replyMsMax, () => pool.put(kept));
      const { wire, isPooled } = await dial(settings, peer);
      const fresh = { wire, uses: 0 };
      return createLink(wire, peer, settings.replyMsMax, isPooled ? () => pool.put(fresh) : undefined);
    },
    stop: () => {
      pool.stop();
      return Promise.resolve();
    },
  };
};
