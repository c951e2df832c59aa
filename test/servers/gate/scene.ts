/** A gate inside the test, with an ear in everything it asks and tells; it listens at one port of the lab. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Event } from '../../../src/model/event.ts';
import type { GateNote } from '../../../src/model/gate-note.ts';
import type { Question } from '../../../src/model/question.ts';
import type { Verdict } from '../../../src/model/verdict.ts';
import type { BackendSettings } from '../../../src/sense/gate/dial.ts';
import { ensureCertificate, madeFiles } from '../../../src/sense/gate/certificate.ts';
import { startGate } from '../../../src/sense/gate/gate.ts';
import type { GateSettings } from '../../../src/sense/gate/gate.ts';
import { defaultGateLimits } from '../../../src/sense/gate/limits.ts';
import type { StoreSettings } from '../../../src/sense/gate/store.ts';
import { patienceMs } from '../lab/await.ts';
import { dialSmtp } from '../lab/dialogue.ts';

export const port = 2525;
export const accept: Verdict = { kind: 'accept', why: [] };
/** Nobody is a stranger: no limits at the door, and all may be said at once. */
export const known = ({ stage }: Question): Verdict => (stage === 'connect' ? { ...accept, known: true } : accept);

/** Of a client that may do all it likes, as often as it likes. */
export const noLimits = {
  ...defaultGateLimits,
  connectionsPerMinute: 0,
  connectionsAtOnce: 0,
  errorsPerConnection: 0,
  idleCommandsPerConnection: 0,
  unknownBeforeDelay: 0,
};

export type Scene = {
  readonly asked: Question[];
  readonly told: Event[];
  readonly notes: GateNote[];
  readonly directory: string;
  decide: (question: Question) => Verdict;
  /** Resolves when something of the kind is told, or was before. */
  readonly until: (satisfies: (event: Event) => boolean) => Promise<void>;
};

export const storeAt = (directory: string): StoreSettings => ({
  directory,
  domains: new Set(['lab.test']),
  mailboxes: new Set(['alice', 'postmaster']),
  messageBytesMax: 1_000_000,
  mailboxBytesMax: 0,
  defersOverQuota: false,
});

export const openGate = async (
  t: TestContext,
  settings: Partial<GateSettings> = {},
  host = '127.0.0.1',
): Promise<Scene> => {
  const directory = mkdtempSync(join(tmpdir(), 'postern-gate-'));
  ensureCertificate(directory, 'gate.lab.test');
  const news = new EventEmitter();
  const scene: Scene = {
    asked: [],
    told: [],
    notes: [],
    directory,
    decide: () => accept,
    until: async (satisfies) => {
      const signal = AbortSignal.timeout(patienceMs);
      while (!scene.told.some(satisfies)) await once(news, 'told', { signal });
    },
  };
  const gate = await startGate(
    {
      listen: { host, port },
      ask: (question) => {
        scene.asked.push(question);
        return scene.decide(question);
      },
      tell: (event) => {
        scene.told.push(event);
        news.emit('told');
      },
      complain: (error) => assert.fail(String(error)),
      note: (note) => scene.notes.push(note),
    },
    {
      name: 'gate.lab.test',
      backend: storeAt(join(directory, 'store')),
      domains: ['lab.test', 'mx.lab.test'],
      tls: madeFiles(directory),
      implicitTls: false,
      requiresAuth: false,
      proxied: false,
      limits: defaultGateLimits,
      allowances: [],
      relayFrom: [],
      disabled: [],
      neverLogin: ['admin'],
      greetPauseMs: 0,
      origin: undefined,
      signature: undefined,
      patience: { commandMsMax: 30_000, messageMsMax: 60_000 },
      heldConnectionsMax: 10,
      ...settings,
    },
  );
  t.after(async () => {
    await gate.stop();
    rmSync(directory, { recursive: true });
  });
  return scene;
};

export const dial = (from: string) => dialSmtp({ from, to: '127.0.0.1', port });
export const behind = (
  host: string,
  on = 25,
  replyMsMax = 30_000,
  passClient: BackendSettings['passClient'] = 'auto',
): BackendSettings => ({ host, port: on, passClient, replyMsMax });
