/**
 * The gate: an SMTP front that listens where the world connects, judges every step, and passes on what survives, to a
 * real server or to the embedded store. It says 250 to a message only after that has taken it.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { threadId } from 'node:worker_threads';
import { canonicalAddress } from '../../model/address.ts';
import { createAddressSet } from '../../model/address-set.ts';
import { draftEvent } from '../../model/event.ts';
import type { GateNote } from '../../model/gate-note.ts';
import { readProxyHeader } from '../../protocols/proxy/header.ts';
import { encodeReply, reply } from '../../protocols/smtp/reply.ts';
import type { Hook, HookSettings } from '../hooks/hook.ts';
import { startListening } from '../hooks/listen.ts';
import { createSleepers } from '../hooks/sleepers.ts';
import { createAnswers } from './hostile/answers.ts';
import { createBackend } from './backend.ts';
import type { BackendSettings } from './dial.ts';
import { readTls } from './certificate.ts';
import type { TlsFiles } from './certificate.ts';
import { serveClient } from './connection.ts';
import { createDoorman, createLimitsFor } from './limits.ts';
import type { Admission, Allowance, GateLimits, Patience } from './limits.ts';
import { createOriginCheck } from './origin.ts';
import type { OriginSettings } from './origin.ts';
import { createSignature } from './signature.ts';
import type { SignatureSettings } from './signature.ts';
import type { GateDesk } from './session.ts';
import { createOffers } from './verbs/offer.ts';
import { createStore } from './store.ts';
import type { StoreSettings } from './store.ts';
import { createTarpit } from './hostile/tarpit.ts';

export type GateSettings = {
  /** What it calls itself in greetings: a host name. */
  readonly name: string;
  readonly backend: BackendSettings | StoreSettings;
  /** Domains that mail from strangers may be for; undefined: the server behind decides alone. */
  readonly domains: readonly string[] | undefined;
  readonly tls: TlsFiles | undefined;
  /** A submission port: nobody sends without having logged in (RFC 6409 §4.3). */
  readonly requiresAuth: boolean;
  /** TLS from the first byte (RFC 8314 §3). */
  readonly implicitTls: boolean;
  /** A PROXY header comes before everything else: the gate stands behind a load balancer. */
  readonly proxied: boolean;
  readonly limits: GateLimits;
  readonly allowances: readonly Allowance[];
  /** Addresses and networks that may send to any domain without a login. */
  readonly relayFrom: readonly string[];
  readonly disabled: readonly string[];
  readonly neverLogin: readonly string[];
  readonly greetPauseMs: number;
  readonly origin: OriginSettings | undefined;
  readonly signature: SignatureSettings | undefined;
  readonly patience: Patience;
  readonly heldConnectionsMax: number;
};

const headerMsMax = 5000;
const noteAnswersMs = 60_000;
const sleepersMax = 200;

const refusals: Readonly<Record<Exclude<Admission, 'welcome'>, string>> = {
  'too-often': encodeReply(reply(421, '4.7.0 Too many connections from your address, try again later')),
  'too-many': encodeReply(reply(421, '4.7.0 Too many connections at once from your address')),
};
const reasons = { 'too-often': 'connection-rate', 'too-many': 'concurrency' } as const;

/** `close` follows. */
const ignore = (): void => undefined;

type Origin = { readonly client: string; readonly port: number };

const originOf = (socket: Socket): Origin => ({
  client: canonicalAddress(socket.remoteAddress ?? '') ?? '0.0.0.0',
  port: socket.remotePort ?? 0,
});

/** Who connected, by the header of the balancer. @returns undefined when it is none */
const originByHeader = async (socket: Socket): Promise<Origin | undefined> => {
  const timer = setTimeout(() => socket.destroy(), headerMsMax);
  let bytes = Buffer.alloc(0);
  try {
    for (;;) {
      const heard = once(socket, 'data', { signal: AbortSignal.timeout(headerMsMax) });
      // It was paused when it came, and a listener alone does not wake it.
      socket.resume();
      const [chunk]: unknown[] = await heard;
      socket.pause();
      if (!(chunk instanceof Buffer)) return undefined;
      bytes = Buffer.concat([bytes, chunk]);
      const read = readProxyHeader(bytes);
      if (read.kind === 'garbage') return undefined;
      if (read.kind === 'more') continue;
      if (read.length < bytes.length) socket.unshift(bytes.subarray(read.length));
      // The balancer speaks for itself: it looks whether the gate is well (proxy-protocol.txt §2.2, LOCAL).
      return read.client === undefined ? originOf(socket) : { client: read.client.address, port: read.client.port };
    }
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
};

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const startGate = async (
  { listen, ask, tell, complain, evidenceSince, note }: HookSettings & { readonly note: (note: GateNote) => void },
  settings: GateSettings,
): Promise<Hook> => {
  const { backend } = settings;
  const destination = 'directory' in backend ? createStore(backend) : createBackend(backend);
  const tls = settings.tls === undefined ? undefined : readTls(settings.tls);
  const disabled = new Set(settings.disabled.map((verb) => verb.toUpperCase()));
  const limitsFor = createLimitsFor(settings.limits, settings.allowances);
  const doorman = createDoorman(limitsFor);
  const desk: GateDesk = {
    ask,
    tell,
    complain,
    note,
    ...(evidenceSince === undefined ? {} : { evidenceSince }),
    name: settings.name,
    destination,
    offerOf: createOffers(destination, tls !== undefined, disabled),
    domains: settings.domains === undefined ? undefined : new Set(settings.domains.map((name) => name.toLowerCase())),
    requiresAuth: settings.requiresAuth,
    limitsFor,
    relayFrom: createAddressSet(settings.relayFrom),
    disabled,
    neverLogin: new Set(settings.neverLogin.map((account) => account.toLowerCase())),
    tls,
    greetPauseMs: settings.greetPauseMs,
    patience: settings.patience,
    signature: settings.signature === undefined ? undefined : createSignature(settings.signature),
    origin: settings.origin === undefined ? undefined : createOriginCheck(settings.origin),
    sleepers: createSleepers(sleepersMax),
    tarpit: createTarpit(settings.heldConnectionsMax),
    answers: createAnswers(),
    doorman,
  };
  const sockets = new Set<Socket>();
  /** One for all: a closure would be kept with each held connection. */
  const forget = function (this: Socket): void {
    sockets.delete(this);
  };
  let connections = 0;

  const isKnown = (client: string, time: number): boolean => {
    const verdict = ask({
      time,
      server: 'gate',
      stage: 'connect',
      client,
      helo: undefined,
      account: undefined,
      sender: undefined,
      recipient: undefined,
    });
    return verdict.kind === 'accept' && verdict.known === true;
  };

  const turnAway = (socket: Socket, client: string, time: number, admission: Exclude<Admission, 'welcome'>): void => {
    const event = draftEvent(time, 'gate', 'limit');
    event.client = client;
    event.reason = reasons[admission];
    tell(event);
    socket.end(refusals[admission], 'latin1');
  };

  const serve = async (socket: Socket, { client, port }: Origin): Promise<void> => {
    const time = Date.now();
    const known = isKnown(client, time);
    const admission = known ? 'welcome' : doorman.enter(client, time);
    if (admission !== 'welcome') {
      turnAway(socket, client, time, admission);
      return;
    }
    const inner =
      settings.implicitTls && tls !== undefined
        ? new TLSSocket(socket, { isServer: true, secureContext: tls })
        : socket;
    if (inner !== socket) inner.on('error', ignore);
    // Not awaited: that would cost each held connection another frame.
    return serveClient(inner, { client, port, id: `gate:${++connections}`, isKnown: known }, desk);
  };

  const serveProxied = async (socket: Socket): Promise<void> => {
    const origin = await originByHeader(socket);
    if (origin === undefined) socket.destroy();
    else await serve(socket, origin);
  };

  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: settings.proxied }, (socket) => {
    sockets.add(socket);
    socket.on('close', forget).on('error', ignore);
    const served = settings.proxied ? serveProxied(socket) : serve(socket, originOf(socket));
    served.catch((error: unknown) => {
      complain(error);
      socket.destroy();
    });
  });
  const endpoint = await startListening(server, listen, 'gate');
  const listener = 'path' in endpoint ? endpoint.path : `${endpoint.host}:${endpoint.port} of thread ${threadId}`;
  const noteAnswers = (): void => {
    const campaigns = desk.answers.report();
    if (campaigns.length === 0) return;
    const { user, system } = process.threadCpuUsage();
    note({ kind: 'answers', time: Date.now(), listener, campaigns, cpuSeconds: (user + system) / 1e6 });
  };
  const noting = setInterval(noteAnswers, noteAnswersMs).unref();
  server.on('error', complain);
  return {
    endpoint,
    stop: async () => {
      clearInterval(noting);
      noteAnswers();
      for (const socket of sockets) socket.destroy();
      await destination.stop();
      await server[Symbol.asyncDispose]();
    },
  };
};
