/**
 * The real server behind the gate, over SMTP: nothing is sent there before a recipient or a login deserves it. The
 * client's address goes along when the connection is made ready (`dial.ts`), and in a Received line in any case.
 */
import { Buffer } from 'node:buffer';
import { hostname } from 'node:os';
import type { Parameters } from '../../protocols/smtp/command.ts';
import { createDots } from '../../protocols/smtp/dots.ts';
import type { SmtpReply } from '../../protocols/smtp/reply.ts';
import type { Addressed, Destination, Link, Peer } from './destination.ts';
import { dial, probe, unreachable } from './dial.ts';
import type { BackendSettings, Offered } from './dial.ts';
import { createPool } from './pool.ts';
import type { Pooled } from './pool.ts';

/** No mechanism has more rounds; a server that asks on and on is out of step. */
const challengesMax = 10;
const keywordsMs = 60_000;
/** A server that is down is not asked at each EHLO: that would make every client wait. */
const keywordsRetryMs = 5000;

const parametersText = (parameters: Parameters): string =>
  [...parameters].map(([keyword, value]) => ` ${keyword}${value === '' ? '' : `=${value}`}`).join('');

const mailLine = ({ path, parameters }: Addressed): string => `MAIL FROM:<${path}>${parametersText(parameters)}`;
const rcptLine = ({ path, parameters }: Addressed): string => `RCPT TO:<${path}>${parametersText(parameters)}`;

const receivedLine = (peer: Peer): string =>
  `Received: from ${peer.helo} ([${peer.address}])\r\n\tby ${hostname()} (Postern gate) with ${peer.esmtp ? 'ESMTP' : 'SMTP'}${peer.tls ? 'S' : ''};\r\n\t${new Date().toUTCString()}\r\n`;

/** @param putBack takes the connection after a session in which nothing was refused and nobody logged in */
const createLink = (
  { wire, pipelines }: Pick<Pooled, 'wire' | 'pipelines'>,
  peer: Peer,
  replyMsMax: number,
  putBack: (() => void) | undefined,
): Link => {
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
    begin: async (mail, rcpt) => {
      const lines = [mailLine(mail), rcptLine(rcpt)] as const;
      if (!pipelines) {
        const heard = await run(lines[0]);
        return heard.code === 250 ? { heard: await run(lines[1]), begun: true } : { heard, begun: false };
      }
      const [first, second] = await wire.sayTwo(lines);
      const begun = inStep(first, isSuccess).code === 250;
      inStep(second, (code) => begun && isSuccess(code));
      return { heard: begun ? second : first, begun };
    },
    rcpt: (rcpt) => run(rcptLine(rcpt)),
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
      else wire.quit();
    },
  };
};

/** Keywords that go through the gate unchanged; the gate has its own STARTTLS, PIPELINING and CHUNKING. */
const passed = new Set(['SIZE', '8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES', 'AUTH']);

export const createBackend = (settings: BackendSettings): Destination => {
  const pool = createPool();
  let known: readonly string[] = [];
  let offered: Offered | undefined;
  let askedAt = -Infinity;
  let asking: Promise<void> | undefined;
  const askAnew = async (): Promise<void> => {
    askedAt = Date.now();
    try {
      const { keywords, ...more } = await probe(settings);
      offered = more;
      known = keywords.filter((keyword) => passed.has(keyword.split(' ', 1)[0]?.toUpperCase() ?? ''));
    } catch {
      // What it offered before holds until it is back; a session learns of the failure when it needs the server.
      askedAt = Date.now() - keywordsMs + keywordsRetryMs;
    }
    asking = undefined;
  };
  return {
    keywords: async () => {
      if (Date.now() - askedAt >= keywordsMs) asking ??= askAnew();
      // Only who comes before anybody knows has to wait.
      if (offered === undefined) await asking;
      return known;
    },
    open: async (peer) => {
      const kept = await pool.take();
      if (kept !== undefined) return createLink(kept, peer, settings.replyMsMax, () => pool.put(kept));
      const { wire, pipelines, isPooled } = await dial(settings, peer, offered);
      const fresh = { wire, pipelines, uses: 0 };
      return createLink(fresh, peer, settings.replyMsMax, isPooled ? () => pool.put(fresh) : undefined);
    },
    stop: () => {
      pool.stop();
      return Promise.resolve();
    },
  };
};
