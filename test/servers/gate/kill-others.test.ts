/**
 * The same over Exim, Sendmail and a plain server on an SMTP library: the gate, or the server, is killed at every step of a session,
 * with everything that it runs. The message is behind the gate once; where the server had taken it and nobody was left to say
 * so, it must come twice rather than not at all (RFC 1047, RFC 5321 §4.5.3.2.6).
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { awaitQuiet } from '../lab/await.ts';
import { startDns } from '../lab/dns.ts';
import type { Stoppable } from '../lab/daemon.ts';
import { labClosed } from '../lab/door.ts';
import { startExim } from '../lab/exim.ts';
import { startLibrary } from '../lab/library.ts';
import { startSendmail } from '../lab/sendmail.ts';
import { startSink } from '../lab/sink.ts';
import { startSyslog } from '../lab/syslog.ts';
import { sendUntilTold, stepsOf } from './kill-client.ts';
import type { Sending, Step } from './kill-client.ts';
import { startLine } from './kill-line.ts';
import type { Line } from './kill-line.ts';
import { runGate } from './running.ts';
import type { RunningGate } from './running.ts';

const linePort = 10_587;

type Server = {
  readonly address: string;
  readonly crash: () => Promise<void>;
  /** What its disk holds of a sender: it stays there, because whom it is for puts it off. */
  readonly heldOf: (sender: string) => number;
} & Stoppable;

const queueFiles = (pattern: string, mark: (sender: string) => string) => (sender: string) =>
  globSync(pattern).filter((file) => readFileSync(file, 'latin1').includes(mark(sender))).length;

type Play = {
  readonly name: string;
  readonly start: () => Promise<Server>;
  readonly hook: 'gate' | 'submission';
  readonly port: number;
  readonly serverPort: number;
  readonly login: Sending['login'];
  readonly recipients: readonly string[];
  readonly chunks?: boolean;
};

const submission = {
  hook: 'submission',
  port: 2587,
  serverPort: 587,
  recipients: ['defer1@remote.test', 'defer2@remote.test'],
} as const;

const plain: Omit<Play, 'name'> = {
  hook: 'gate',
  port: 2525,
  serverPort: 25,
  login: undefined,
  recipients: ['one@lab.test', 'two@lab.test'],
  start: async () => {
    const library = await startLibrary();
    const heldOf = (sender: string): number =>
      library.messages().filter((message) => message.startsWith(`${sender} `)).length;
    return { ...library, heldOf };
  },
};

const plays: readonly Play[] = [
  {
    name: 'Exim',
    ...submission,
    login: { account: 'alice@lab.test', password: 'alicepw' },
    start: async () => {
      const edit = (config: string): string => config.replace('12 / 60s', '10000 / 60s');
      const exim = await startExim({ edit });
      const heldOf = queueFiles('/var/spool/exim4/input/**/*-H', (sender) => `\n<${sender}>\n`);
      return { ...exim, heldOf };
    },
  },
  {
    name: 'Sendmail',
    ...submission,
    login: { account: 'alice', password: 'alicepw' },
    start: async () => {
      const sendmail = await startSendmail();
      return { ...sendmail, heldOf: queueFiles('/var/spool/mqueue/**/[qQ]f*', (sender) => `\nS<${sender}>\n`) };
    },
  },
  { name: 'a library', ...plain },
  { name: 'a library, in chunks', ...plain, chunks: true },
];

type Struck = { readonly what: string; readonly crash: () => Promise<void>; readonly line: Line };

const cutAtEveryStep = async (
  play: Play,
  { heldOf, address }: Server,
  { what, crash, line }: Struck,
): Promise<void> => {
  const moments = new Map([
    ['dot', line.dot],
    ['taken', line.taken],
  ] as const);
  const sending: Sending = { ...play, moments: new Map<Step, Line['dot']>(moments) };
  let struck = 0;
  for (const step of stepsOf(sending)) {
    const sender = `${what}-${step.toLowerCase()}@remote.test`;
    const tries = await sendUntilTold(sending, sender, step, crash);
    struck++;
    // Connections that are kept for the next session go, too; then nobody takes anything any more.
    line.cut();
    await awaitQuiet(address, play.serverPort);
    const wanted = step === 'taken' ? 2 : 1;
    assert.equal(heldOf(sender), wanted, `${play.name}: ${what} killed at ${step}, told after ${tries} tries`);
  }
  assert.equal(struck, play.login !== undefined ? 12 : play.chunks === true ? 9 : 10);
};

const gateOf = ({ hook, port }: Play): Promise<RunningGate> =>
  runGate(hook, port, [
    hook === 'gate'
      ? `gate: { backend: "127.0.0.1:${linePort}", protect: [lab.test], greetPauseMs: 0, senderDomains: off }`
      : `gate: { listen: off }\nsubmission: { backend: "127.0.0.1:${linePort}" }`,
  ]);

for (const play of plays)
  test(`${play.name}: the gate, then the server is killed at every step`, { skip: labClosed }, async () => {
    await using stack = new AsyncDisposableStack();
    for (const start of [startDns, startSink, startSyslog]) stack.use(await start());
    const server = stack.use(await play.start());
    const line = stack.use(await startLine(linePort, { host: server.address, port: play.serverPort }));
    const gate = stack.use(await gateOf(play));
    await cutAtEveryStep(play, server, { what: 'gate', crash: gate.crash, line });
    await cutAtEveryStep(play, server, { what: 'server', crash: server.crash, line });
  });
