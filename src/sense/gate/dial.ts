/**
 * A connection to the server behind the gate, ready for a session: the client's address goes along by XCLIENT (Postfix
 * XCLIENT_README) where the server offers it, or by a PROXY v2 header (haproxy's proxy-protocol.txt) where it was chosen.
 */
import { once } from 'node:events';
import { connect, isIPv4 } from 'node:net';
import { hostname } from 'node:os';
import { proxyHeader } from '../../protocols/proxy/header.ts';
import type { SmtpReply } from '../../protocols/smtp/reply.ts';
import type { Peer } from './destination.ts';
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

export const unreachable = 'the server behind the gate';
const connectMsMax = 10_000;

/** xtext (RFC 3461 §4), as XCLIENT wants its values. */
const xtext = (text: string): string =>
  text.replaceAll(/[^!-*,-<>-~]/g, (char) => `+${char.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`);

/** Of the right class: `smtp-sink` answers XCLIENT with 250, Postfix with 220. @returns the reply's lines */
const expect = (wire: Wire, wanted: number, heard: SmtpReply): readonly string[] => {
  if (Math.floor(heard.code / 100) === Math.floor(wanted / 100)) return heard.lines;
  wire.socket.destroy();
  throw new Error(`${unreachable} said ${heard.code} ${heard.lines[0] ?? ''}`);
};

/** What EHLO offers to us. */
export type Offered = {
  /** What may be told of the client. */
  readonly xclient: string | undefined;
  /** Takes several commands in one go (RFC 2920). */
  readonly pipelines: boolean;
};

const offeredIn = (hello: readonly string[]): Offered => ({
  xclient: hello.find((line) => line.toUpperCase().startsWith('XCLIENT '))?.toUpperCase(),
  pipelines: hello.some((line) => line.toUpperCase() === 'PIPELINING'),
});

const xclientLine = (peer: Peer, xclient: string): string => {
  const offered = new Set(xclient.split(' '));
  const address = isIPv4(peer.address) ? peer.address : `IPV6:${peer.address}`;
  const wanted: readonly (readonly [string, string])[] = [
    ['NAME', '[UNAVAILABLE]'],
    ['ADDR', address],
    ['PORT', String(peer.port)],
    ['PROTO', peer.esmtp ? 'ESMTP' : 'SMTP'],
    ['HELO', xtext(peer.helo)],
  ];
  return `XCLIENT ${wanted.flatMap(([name, value]) => (offered.has(name) ? [`${name}=${value}`] : [])).join(' ')}`;
};

/** Tells of the client, and greets in its name. @returns undefined when that is not allowed */
const introduce = async (wire: Wire, peer: Peer, xclient: string): Promise<Offered | undefined> => {
  const heard = await wire.say(xclientLine(peer, xclient));
  if (heard.code >= 500) return undefined;
  expect(wire, 220, heard);
  return offeredIn(expect(wire, 250, await wire.say(`EHLO ${peer.helo}`)));
};

const open = async ({ host, port, passClient, replyMsMax }: BackendSettings, peer: Peer | undefined): Promise<Wire> => {
  const socket = connect({ host, port, noDelay: true });
  socket.setTimeout(connectMsMax, () => socket.destroy(new Error(`${unreachable} does not answer`)));
  await once(socket, 'connect');
  socket.setTimeout(0);
  const wire = createWire(socket, unreachable, replyMsMax);
  const local = { address: '127.0.0.1', port: 0 };
  if (passClient === 'proxy') socket.write(proxyHeader(peer ?? local, { address: '127.0.0.1', port }));
  expect(wire, 220, await wire.hear(Math.min(connectMsMax, replyMsMax)));
  return wire;
};

const greet = async (wire: Wire): Promise<readonly string[]> => expect(wire, 250, await wire.say(`EHLO ${hostname()}`));

/** For nobody. @returns the keywords of EHLO */
export const probe = async (settings: BackendSettings): Promise<Offered & { readonly keywords: readonly string[] }> => {
  const wire = await open({ ...settings, replyMsMax: Math.min(connectMsMax, settings.replyMsMax) }, undefined);
  const hello = await greet(wire);
  wire.quit();
  return { ...offeredIn(hello), keywords: hello.slice(1) };
};

/** @param known what it offered before: who knows that it takes XCLIENT need not ask first */
export const dial = async (
  settings: BackendSettings,
  peer: Peer,
  known: Offered | undefined,
): Promise<{ readonly wire: Wire; readonly pipelines: boolean; readonly isPooled: boolean }> => {
  const { passClient } = settings;
  const wire = await open(settings, peer);
  let told =
    passClient === 'auto' && known?.xclient !== undefined ? await introduce(wire, peer, known.xclient) : undefined;
  if (told !== undefined) return { wire, pipelines: told.pipelines, isPooled: false };
  const offered = offeredIn(await greet(wire));
  if (passClient === 'auto' && offered.xclient !== undefined) {
    told = await introduce(wire, peer, offered.xclient);
    if (told === undefined) {
      wire.quit();
      throw new Error(`${unreachable} offers XCLIENT and refuses it`);
    }
    return { wire, pipelines: told.pipelines, isPooled: false };
  }
  return { wire, pipelines: offered.pipelines, isPooled: passClient !== 'proxy' };
};
