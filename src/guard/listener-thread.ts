/** One listener thread: its hooks answer from the shared memory, which only the guard's main thread writes. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Event } from '../model/event.ts';
import { Fault, errorWords } from '../model/fault.ts';
import type { GateNote } from '../model/gate-note.ts';
import type { Ask } from '../model/ports.ts';
import { createMemory } from '../judge/memory.ts';
import { createAsk } from '../judge/verdict.ts';
import { startGate } from '../sense/gate/gate.ts';
import { startAuthPolicy } from '../sense/hooks/auth-policy.ts';
import type { Hook, StartHook } from '../sense/hooks/hook.ts';
import type { Listen } from '../sense/hooks/listen.ts';
import { startMilter } from '../sense/hooks/milter.ts';
import { createEvidence } from '../sense/hooks/outcomes.ts';
import { startPolicy } from '../sense/hooks/policy.ts';
import { startReadsocket } from '../sense/hooks/readsocket.ts';
import type { GateSettings } from '../sense/gate/gate.ts';
import { isGate } from './gate-settings.ts';
import type { GateChoice, GateName } from './gate-settings.ts';
import { isGoodNews } from './good-news.ts';
import { judgeSettings } from './judge-settings.ts';
import type { JudgeChoice } from './judge-settings.ts';
import { createLogPulse } from './log-pulse.ts';
import type { LogPulse } from './log-pulse.ts';
import { createAnswering } from './check/answering.ts';
import { createAskedAt } from './check/asked-at.ts';
import { tellPutOffs } from './put-off.ts';
import type { HookName } from './settings.ts';

/** A new hook is a file in `sense/hooks/`, a row here, and its `listen` in `settings.ts`. */
const startHook: Readonly<Record<Exclude<HookName, GateName>, StartHook>> = {
  policy: startPolicy,
  milter: startMilter,
  readsocket: startReadsocket,
  authPolicy: startAuthPolicy,
};

export type WantedHook = {
  readonly name: HookName;
  readonly listen: Listen;
  /** A gate that is not as the others of its name. */
  readonly gate?: GateSettings;
  /** Where it listens is nobody's choice: when that is taken, the guard goes on without it. */
  readonly isDefault: boolean;
};

export type ListenerData = {
  readonly buffer: SharedArrayBuffer;
  readonly evidence: SharedArrayBuffer;
  /** Of the servers whose logs are followed. */
  readonly logPulse: SharedArrayBuffer;
  readonly seed: number;
  readonly choice: JudgeChoice;
  readonly gates: GateChoice;
  /** When each server last asked. */
  readonly asked: SharedArrayBuffer;
  /** Of `postern check`. */
  readonly probeKey: Uint8Array;
  readonly heardFile: string;
  readonly hooks: readonly WantedHook[];
  /** Outcomes come only when a log is followed: without one nothing is waited for. */
  readonly followsLogs: boolean;
};
export type ListenerMessage =
  | { readonly ready: readonly (readonly [HookName, string])[] }
  | { readonly failed: string }
  | { readonly told: readonly Event[] }
  | { readonly noted: GateNote }
  /** All of it, until it was asked. */
  | { readonly toldAll: true }
  | { readonly complaint: string };

const complaintsPerMinuteMax = 10;

const say = (message: ListenerMessage): void => parentPort?.postMessage(message);

/** Good news may wait so long for company; a message of its own for each event would cost more than the events. */
const companyMs = 5;

/** Events go over together. Whoever was just refused must not be answered ahead of that evidence: it goes at once. */
const tellTogether = (pulse: LogPulse): { tell: (event: Event) => void; tellAll: () => void } => {
  let told: Event[] = [];
  let waiting: NodeJS.Timeout | undefined;
  const send = (): void => {
    clearTimeout(waiting);
    waiting = undefined;
    if (told.length > 0) say({ told });
    told = [];
  };
  return {
    tell: (event) => {
      const isGood = isGoodNews(event);
      // The main thread would not count it.
      if (isGood && pulse.isFresh(event)) return;
      told.push(event);
      if (!isGood) setImmediate(send);
      else waiting ??= setTimeout(send, companyMs);
    },
    tellAll: () => {
      send();
      say({ toldAll: true });
    },
  };
};

const main = async (data: ListenerData): Promise<void> => {
  const memory = createMemory(data.buffer, data.seed);
  const evidence = createEvidence(data.evidence);
  const answering = createAnswering(data.probeKey, data.heardFile, evidence.count);
  const judge = createAsk(memory.table, judgeSettings(data.choice));
  const asked = createAskedAt(data.asked);
  // Behind marked sessions, which are no mail.
  const ask: Ask = (question) => {
    asked.note(question.server, question.time);
    return judge(question);
  };
  const pulse = createLogPulse(data.logPulse);
  const { tell, tellAll } = tellTogether(pulse);
  const askAndTell = tellPutOffs(ask, (event) => {
    if (!pulse.isFresh(event)) tell(event);
  });
  let complaints = 0;
  setInterval(() => (complaints = 0), 60_000).unref();
  const complain = (error: unknown): void => {
    if (++complaints <= complaintsPerMinuteMax)
      say({ complaint: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  };
  const start = async ({ name, listen, gate }: WantedHook): Promise<Hook> => {
    // The policy service tells nothing itself: without a log there is nothing that it could wait for.
    const waits = name !== 'policy' || data.followsLogs;
    const settings = {
      listen,
      complain,
      ...(isGate(name) ? answering('gate', ask, tell) : answering(name, askAndTell, tell)),
      ...(waits ? { evidenceSince: evidence.since, logTells: pulse.isFresh } : {}),
    };
    return isGate(name)
      ? startGate({ ...settings, note: (noted) => say({ noted }) }, gate ?? data.gates[name])
      : startHook[name](settings);
  };
  const started = await Promise.all(
    data.hooks.map(async (wanted) => {
      try {
        return [{ name: wanted.name, hook: await start(wanted) }];
      } catch (error) {
        if (!wanted.isDefault || !(error instanceof Fault)) throw error;
        // Nobody asked for it: the others go on.
        say({ complaint: `${error.message} ${wanted.name} is off.` });
        return [];
      }
    }),
  );
  const hooks = started.flat();
  say({
    ready: hooks.map(({ name, hook: { endpoint } }) => [
      name,
      'path' in endpoint ? `unix:${endpoint.path}` : `${endpoint.host}:${endpoint.port}`,
    ]),
  });
  parentPort?.on('message', (order: 'tell' | 'stop') => {
    if (order === 'tell') {
      tellAll();
      return;
    }
    void Promise.all(hooks.map(({ hook }) => hook.stop())).then(() => {
      tellAll();
      parentPort?.close();
    });
  });
};

// What the guard hands over is its own data, made a few lines before the thread was started.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
main(workerData as ListenerData).catch((error: unknown) => {
  say({ failed: errorWords(error) });
  // Hooks that listen already would keep the thread.
  setImmediate(() => process.exit(1));
});
