/** The guard: follows the mail logs, judges their events, answers Postfix, and says what it finds. */
import { randomInt } from 'node:crypto';
import { resolve } from 'node:path';
import { errorWords } from '../model/fault.ts';
import { createJudge } from '../judge/judge.ts';
import { createMemory } from '../judge/memory.ts';
import type { Event } from '../model/event.ts';
import type { Tell } from '../model/ports.ts';
import type { Incident } from '../model/report.ts';
import { zoneOf, localZone } from '../protocols/syslog/zone.ts';
import { createEvidence, evidenceBytes } from '../sense/hooks/outcomes.ts';
import type { Following } from '../sense/logs/follow.ts';
import { chosenLogs } from './chosen-logs.ts';
import { lockState } from './guard-lock.ts';
import { readLive } from './live-log.ts';
import { createLogPulse, logPulseBytes } from './log-pulse.ts';
import { createGateNotes } from './gate-notes.ts';
import { isGoodNews } from './good-news.ts';
import { endpointsOf, milterSocketOf } from './endpoints.ts';
import { askedAtBytes, createAskedAt } from './check/asked-at.ts';
import { hearCheckers } from './check/checkers.ts';
import { heardFile, loggedFile } from './check/heard.ts';
import { readsMarked } from './check/logged.ts';
import { probeKey } from './check/probe.ts';
import { gateChoice, gatesBeside, isGate } from './gate-settings.ts';
import type { GateChoice } from './gate-settings.ts';
import { startActing } from './acting/start.ts';
import { openDesk, protectedBy } from './desk.ts';
import { createProving } from './proving/proving.ts';
import { startContainment } from './queue/containment.ts';
import { quotaChoice } from './quota/options.ts';
import { startQuotaWatch } from './quota/watch.ts';
import { judgeChoice, judgeSettings } from './judge-settings.ts';
import type { ListenerData } from './listener-thread.ts';
import { startListenerThreads } from './listener-threads.ts';
import { listenAt } from './setting.ts';
import type { GuardNews } from './notices/news.ts';
import { channelsOf, createNotices } from './notices/channels.ts';
import { defaults, durationSeconds, hookNames } from './settings.ts';
import type { HookName, Values } from './settings.ts';
import { startSaving } from './saving.ts';
import { readSnapshot, snapshotFile } from './snapshot.ts';
import { createWitness } from './witness.ts';

export type Guard = {
  readonly state: string;
  readonly logs: readonly string[];
  /** Logs that are here but may not be read. */
  readonly unreadable: readonly string[];
  /** Where mail servers may ask; a hook that is off is not in it. */
  readonly hooks: ReadonlyMap<HookName, string>;
  /** Milliseconds since 1970 until which answers stay mild; undefined when over. */
  readonly learningUntil: number | undefined;
  /** Resolves when every log has been read to its present end, and what the hooks had to tell is judged. */
  readonly caughtUp: () => Promise<void>;
  /** Resolves when what the guard does by itself is done. */
  readonly settled: () => Promise<void>;
  /** Resolves when it has been proven once more which servers ask. */
  readonly provenAgain: () => Promise<void>;
  /** Resolves when the mailboxes' quotas have been read once more. */
  readonly quotasRead: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

const memoryMiB = (values: Values): number => Number(values.get('table.sizeMiB'));

const wantedHooks = (values: Values, state: string, gates: GateChoice): ListenerData['hooks'] =>
  hookNames.flatMap((name) => {
    const key = `${name}.listen`;
    const listen = listenAt(values.get(key)) ?? 'off';
    // The policy service is what a guard is for: without it the guard does not start.
    const isDefault = name !== 'policy' && values.get(key) === defaults.get(key);
    const also = isGate(name)
      ? gatesBeside(values, gates, name).map((gate) => ({ name, isDefault: false, ...gate }))
      : [];
    if (listen === 'off') return also;
    // What is told of a hook is its last place.
    const beside =
      name === 'milter' && !('path' in listen)
        ? [{ name, listen: { path: milterSocketOf(state) }, isDefault: true }]
        : [];
    return [...also, ...beside, { name, listen, isDefault }];
  });

/** @throws Fault when the state is damaged or an address cannot be listened on */
// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const startGuard = async (values: Values, hearNews: (news: GuardNews) => void): Promise<Guard> => {
  const channels = channelsOf(values);
  const state = resolve(String(values.get('state')));
  const desk = openDesk(state, protectedBy(values, state));
  const release = lockState(state);
  const saved = snapshotFile(state);
  // What may fail comes before what would keep the process alive.
  const restored = await readSnapshot(saved);
  const { logs, unreadable } = await chosenLogs(values);
  const gates = gateChoice(values, state);
  const key = probeKey(state);
  const seed = restored?.snapshot.seed ?? randomInt(2 ** 31);
  const started = restored?.snapshot.started ?? Math.floor(Date.now() / 1000);
  const buffer = new SharedArrayBuffer(memoryMiB(values) * 1024 * 1024);
  const fits = restored !== undefined && restored.memory.length === buffer.byteLength;
  // Statistics of another table size cannot be taken over; the logs are read again from their start then.
  if (fits) new Uint8Array(buffer).set(restored.memory);
  else if (restored !== undefined)
    hearNews({
      kind: 'problem',
      text: 'table.sizeMiB changed: what was learned before is forgotten, the logs are read anew',
    });
  const positions = new Map(fits ? Object.entries(restored.snapshot.positions) : []);

  const choice = judgeChoice(values, started);
  const memory = createMemory(buffer, seed);
  const notices = createNotices(channels, desk.outbox, (text) => hearNews({ kind: 'problem', text }));
  const tellNews = (news: GuardNews): void => {
    hearNews(news);
    notices.hear(news);
  };
  const complain = (text: string): void => tellNews({ kind: 'problem', text });
  const acting = startActing(desk, values, memory.table, choice.learningUntil, tellNews);
  const zone = zoneOf(String(values.get('zone'))) ?? localZone;
  const containment = startContainment({
    desk,
    values,
    table: memory.table,
    tell: tellNews,
    logs: { paths: logs, zone, now: Date.now() },
  });
  const saving = startSaving(
    saved,
    buffer,
    () => ({ version: 2, seed, started, positions: Object.fromEntries(positions) }),
    complain,
  );
  /** A full disk keeps nobody from being judged; with its next change an incident is kept again. */
  const keepIncident = (incident: Incident): void => {
    try {
      desk.incidents.save([incident]);
    } catch (error) {
      complain(`an incident is not kept: ${errorWords(error)}`);
    }
  };
  const judge = createJudge(memory, judgeSettings(choice), {
    // Read anew, the logs tell of them again.
    restored: fits ? desk.incidents.open() : [],
    convicted: acting.convicted,
    doubted: ({ words }) => complain(words),
    announce: (change) => {
      keepIncident(change.incident);
      tellNews({ kind: 'incident', change });
      if (change.change === 'opened') saving.soon();
      if (change.change !== 'closed') containment.contain(change.incident);
    },
  });
  const quotas = startQuotaWatch({
    ...quotaChoice(values),
    state,
    table: memory.table,
    carryOut: desk.carryOut,
    complain,
  });
  const evidenceMemory = new SharedArrayBuffer(evidenceBytes);
  const pulseMemory = new SharedArrayBuffer(logPulseBytes);
  const pulse = createLogPulse(pulseMemory);
  const evidence = createEvidence(evidenceMemory);
  /** Wakes whoever waits to be judged with it. */
  const countEvidence = (event: Event): void => {
    if (event.client !== undefined && !isGoodNews(event)) evidence.count(event.client);
  };

  const witness = createWitness((server, silentForMs) =>
    complain(
      `the log of ${server} has been silent for ${Math.round(silentForMs / 60_000)} minutes while its hooks were asked: is it still written? Until it speaks again the hooks' word counts`,
    ),
  );
  const [heardIn, loggedIn] = [heardFile(state), loggedFile(state)];
  const asked = new SharedArrayBuffer(askedAtBytes);
  const proving = createProving({
    everySeconds: durationSeconds(values.get('check.every')) ?? 0,
    state,
    endpoints: endpointsOf(values, state),
    receipts: desk.receipts,
    carryOut: desk.carryOut,
    asked: createAskedAt(asked),
    key,
    heardFile: heardIn,
    loggedFile: loggedIn,
    tell: tellNews,
    complain,
  });
  const checkers = hearCheckers();
  const tellFromLog: Tell = (event) => {
    const speaks = witness.logSpeaks(event, performance.now());
    pulse.beat(event);
    // What a marked session does is about who checks, not about an attacker.
    const isCheck = readsMarked(key, loggedIn, event) || checkers.isOne(event) || proving.isOwn(event);
    if (!isCheck) proving.hear(event);
    if (!speaks) return;
    if (!isCheck) {
      quotas.hear(event);
      judge.tell(event);
    }
    countEvidence(event);
  };
  const tellFromHook: Tell = (event) => {
    try {
      if (!proving.isOwn(event)) {
        quotas.hear(event);
        // Whoever waits for evidence that the log has still to bring waits for the log.
        if (!witness.hookSpeaks(event, performance.now())) return;
        judge.tell(event);
      }
      countEvidence(event);
    } catch (error) {
      // It costs itself alone, as a line of a log does.
      complain(`what a hook told could not be judged: ${error instanceof Error ? error.stack : String(error)}`);
    }
  };
  const follow = (path: string): Following =>
    readLive({
      path,
      zone,
      position: positions.get(path),
      tell: tellFromLog,
      onPosition: (position) => positions.set(path, position),
      onProblem: complain,
    });

  const leave = async (): Promise<void> => {
    await saving.stop();
    checkers.stop();
    await proving.stop();
    await quotas.stop();
    await containment.stop();
    await acting.stop();
    await notices.stop();
    desk.close();
    release();
  };
  const notes = createGateNotes(state);
  const hooks = await startListenerThreads(
    {
      buffer,
      evidence: evidenceMemory,
      logPulse: pulseMemory,
      seed,
      choice,
      gates,
      asked,
      probeKey: key,
      heardFile: heardIn,
      hooks: wantedHooks(values, state, gates),
      followsLogs: logs.length > 0,
    },
    Number(values.get('listeners.threads')),
    {
      onTold: (events) => {
        for (const event of events) tellFromHook(event);
      },
      onNoted: notes.add,
      onComplaint: complain,
    },
  ).catch(async (error: unknown) => {
    await leave();
    throw error;
  });
  const following = logs.map(follow);
  proving.begin();

  return {
    state,
    logs,
    unreadable,
    hooks: hooks.endpoints,
    learningUntil: choice.learningUntil * 1000 > Date.now() ? choice.learningUntil * 1000 : undefined,
    caughtUp: async () => void (await Promise.all([hooks.heard(), ...following.map((each) => each.caughtUp())])),
    settled: containment.settled,
    quotasRead: quotas.readAgain,
    provenAgain: proving.again,
    stop: async () => {
      await Promise.all(following.map((each) => each.stop()));
      await hooks.stop();
      notes.flush();
      await saving.now();
      await leave();
    },
  };
};
