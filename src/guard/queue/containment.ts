/**
 * What the guard does by itself about a stolen account or a script that floods: locks it, holds what is queued, says so
 * once with numbers and a sample, and looks again after ten minutes: at the queue, sessions, forwards and filters. A person then releases or purges, and unlocks. A
 * locked account's new mail is held by the hooks; a local user's passes no hook, so the queue is looked through for it.
 */
import { existsSync } from 'node:fs';
import { errorWords } from '../../model/fault.ts';
import { accountLock } from '../../act/account-lock.ts';
import { perform } from '../../act/perform.ts';
import { isHeld, letAccountGo, lockAccount } from '../../judge/detectors/compromised-account.ts';
import type { Table } from '../../judge/statistics/table.ts';
import { culpritOf, isLocalUser, isOf } from '../../model/queue/culprit.ts';
import type { QueuedMessage } from '../../model/queue/message.ts';
import { isHeldInQueue } from '../../model/queue/message.ts';
import type { Incident } from '../../model/report.ts';
import type { ActionNews } from '../notices/news.ts';
import { evidenceFolder } from '../desk.ts';
import type { OpenDesk } from '../desk.ts';
import { createSelection, hold } from './deeds.ts';
import { dropOldEvidence } from './evidence.ts';
import { breakLoop, loopIn } from './forward-loop.ts';
import { remainsOf, remainsWords } from './remains.ts';
import { ownersIn, withOwner } from './trace.ts';
import type { Spool } from '../../sense/queue/spool.ts';
import { chosenSpools, mayRead, walkQueues } from './walk.ts';
import type { ReadOptions } from '../read-logs.ts';
import { durationSeconds } from '../settings.ts';
import type { Values } from '../settings.ts';

/** How soon a lock or unlock of the command line is obeyed. */
const readLedgerMs = 1000;
const sweepMs = 10_000;
const dropEveryMs = 3_600_000;
const samplesMax = 3;
/** More loops at a time are only named. */
const loopsMax = 1000;
/** How far back the ledger is looked through. */
const receiptsMax = 1000;

export type ContainmentOptions = {
  readonly desk: OpenDesk;
  readonly values: Values;
  readonly table: Table;
  readonly tell: (news: ActionNews) => void;
  /** Where to learn whose a message of Sendmail is. */
  readonly logs: ReadOptions;
};

export type Containment = {
  readonly contain: (incident: Incident) => void;
  /** Resolves when nothing is being contained. */
  readonly settled: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** Whose finding leads to a lock. */
const detectorOf = new Map([
  ['compromised-account', 'compromised-account'],
  ['outbound-flood', 'local-flood'],
]);

type Found = {
  readonly selection: ReturnType<typeof createSelection>;
  readonly samples: readonly QueuedMessage[];
  readonly count: number;
  /** Queues that could not be looked into, and why. */
  readonly unread: readonly string[];
};

/** What a culprit has in the queues that is not held. A queue that may not be read keeps no other from being read. */
const freeMailOf = async (culprit: string, { logs }: ContainmentOptions): Promise<Found> => {
  const spools = chosenSpools([]);
  const needsLog = spools.some((spool) => spool.kind === 'sendmail' || !mayRead(spool));
  const owners = needsLog && logs.paths.length > 0 ? await ownersIn(logs) : new Map();
  const selection = createSelection();
  const samples: QueuedMessage[] = [];
  const unread: string[] = [];
  let count = 0;
  const take = (found: QueuedMessage, spool: Spool): void => {
    const message = withOwner(found, owners);
    // One without a recipient left is done, and only about to be removed.
    if (!isOf(culprit, message) || isHeldInQueue(message) || message.recipientCount === 0) return;
    selection.add(message, spool);
    if (++count <= samplesMax) samples.push(message);
  };
  for (const spool of spools)
    await walkQueues([spool], take).catch((error: unknown) => void unread.push(errorWords(error)));
  return { selection, samples, count, unread };
};

const sampleWords = ({ recipients, subject, script }: QueuedMessage): string =>
  `to ${recipients[0]?.address ?? 'nobody'}${subject === undefined ? '' : ` "${subject}"`}${script === undefined ? '' : ` by ${script}`}`;

const adviceOn = (account: string, remains: readonly string[]): string =>
  remains.length === 0
    ? ''
    : `. No login and no session any more: postern lock --shut ${account}; look yourself: postern remains ${account}`;

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const startContainment = (options: ContainmentOptions): Containment => {
  const { desk, values, table } = options;
  const tell = (incident: string | undefined, text: string): void => options.tell({ kind: 'action', incident, text });
  const isOn = values.get('accounts.contain') === 'on' && values.get('judge.mode') !== 'observe';
  const mayAct = (detector: string): boolean => isOn && values.get(`judge.detectors.${detector}`) === 'enforce';
  const lookAgainWords = String(values.get('accounts.lookAgain'));
  const lookAgainSeconds = durationSeconds(lookAgainWords) ?? 0;
  const timers = new Set<NodeJS.Timeout>();
  let last: Promise<void> = Promise.resolve();
  let locked: ReadonlySet<string> = new Set();
  /** Addresses whose loop was seen to. */
  const looping = new Set<string>();

  const seconds = (): number => Math.floor(Date.now() / 1000);

  /** The ledger is the truth: whoever is locked there is held here, and let go when the lock is undone. */
  const readLocks = (): void => {
    const inForce = new Set(desk.receipts.inForce('account-lock').map(({ subject }) => subject));
    for (const culprit of inForce) if (!isLocalUser(culprit)) lockAccount(table, culprit, seconds());
    for (const culprit of locked) if (!inForce.has(culprit)) letAccountGo(table, culprit, seconds());
    locked = inForce;
  };
  // What was unlocked while no guard was here.
  locked = new Set(
    desk.receipts
      .latest(receiptsMax)
      .filter(({ kind }) => kind === 'account-lock')
      .map(({ subject }) => subject),
  );

  const holdQueued = async (account: string, incident: string, why: string): Promise<string> => {
    const { selection, samples, count, unread } = await freeMailOf(account, options);
    if (count === 0) return [...unread, 'nothing of it was waiting in the queue'].join('; ');
    const order = { who: 'guard', why, until: undefined, incident };
    const notes: string[] = [...unread];
    for (const wanted of selection.wanted()) {
      // A queue that cannot be touched (its server is not installed any more) keeps no other from being held.
      const note = await hold(wanted, order, desk).then(({ receipt }) => receipt?.note ?? 'nothing', errorWords);
      notes.push(`${note} in ${wanted.server}'s queue`);
    }
    return `${notes.join(', ')} (${samples.map(sampleWords).join('; ')})`;
  };

  const remainsSince = async (account: string, since: number): Promise<readonly string[]> =>
    isLocalUser(account) ? [] : remainsWords(await remainsOf(account, since, desk.carryOut));

  const lookAgain = async (account: string, { id, opened }: Incident): Promise<void> => {
    if (desk.receipts.ofIncident(id).some((each) => each.kind === 'account-lock' && each.state === 'undone')) return;
    const { count } = await freeMailOf(account, options);
    const queued =
      count === 0
        ? 'nothing of it moves in the queue'
        : await holdQueued(account, id, `found ${lookAgainWords} after the lock`);
    const remains = await remainsSince(account, opened);
    tell(id, `${account}, ${lookAgainWords} later: ${[queued, ...remains].join('; ')}${adviceOn(account, remains)}`);
  };

  /** Quietly: the notice has said that it does so. */
  const sweep = async (culprit: string): Promise<void> => {
    const lock = desk.receipts.inForce('account-lock', culprit)[0];
    if (lock !== undefined) await holdQueued(culprit, lock.incident ?? '', 'a locked user goes on');
  };

  const after = (work: () => Promise<void>): void => {
    last = last.then(work).catch((error: unknown) => tell(undefined, `containment: ${errorWords(error)}`));
  };

  const breakOnce = async (address: string, incident: Incident): Promise<void> => {
    if (looping.has(address) || desk.pause.get() !== undefined) return;
    if (looping.size < loopsMax) looping.add(address);
    const text = await breakLoop(address, incident, desk).catch(
      (error: unknown) => `${incident.why}; it cannot be switched off here: ${errorWords(error)}`,
    );
    if (text !== undefined) tell(incident.id, text);
  };

  const containAccount = async (account: string, incident: Incident): Promise<void> => {
    const { id, why, opened } = incident;
    const order = { who: 'guard', why, until: undefined, incident: id };
    if (locked.has(account) || desk.pause.get() !== undefined) return;
    await perform(accountLock, { account }, order, desk);
    readLocks();
    const queued = await holdQueued(account, id, why);
    const remains = await remainsSince(account, opened);
    const more = isLocalUser(account)
      ? 'what it still hands in is held as soon as it waits'
      : 'new mail of it is accepted and held';
    tell(
      id,
      `${account} is locked: ${why}. From now on ${more}; ${[queued, ...remains].join('; ')}. After review: postern release ${id}, or postern purge ${id}; then postern unlock ${account}`,
    );
    const timer = setTimeout(() => {
      timers.delete(timer);
      after(() => lookAgain(account, incident));
    }, lookAgainSeconds * 1000);
    timers.add(timer);
  };

  const reading = setInterval(() => {
    try {
      readLocks();
    } catch {
      // Who is locked stays so; `acting/` reads the same ledger, and says what is wrong with it.
    }
  }, readLedgerMs);
  const sweeping = setInterval(() => {
    for (const culprit of locked) if (isLocalUser(culprit)) after(() => sweep(culprit));
  }, sweepMs);
  const folder = evidenceFolder(String(values.get('state')));
  const dropOld = (): void => {
    if (!existsSync(folder)) return;
    try {
      const names = dropOldEvidence(folder, durationSeconds(values.get('evidence.keep')) ?? 0, desk);
      if (names.length > 0) tell(undefined, `evidence older than evidence.keep is gone: ${names.join(', ')}`);
    } catch (error) {
      tell(undefined, `old evidence cannot be removed: ${errorWords(error)}`);
    }
  };
  const dropping = setInterval(dropOld, dropEveryMs);
  readLocks();
  dropOld();

  return {
    contain: (incident) => {
      const loop = loopIn(incident);
      if (loop !== undefined && mayAct('forward-loop')) after(() => breakOnce(loop, incident));
      const detector = detectorOf.get(incident.attack);
      if (detector === undefined || !mayAct(detector)) return;
      for (const { kind, value } of incident.actors) {
        const culprit = culpritOf(kind, value);
        if (culprit === undefined || locked.has(culprit)) continue;
        // Others of the same incident are named in it, and only who is over the line is locked.
        if (isLocalUser(culprit) || isHeld(table, culprit, seconds())) after(() => containAccount(culprit, incident));
      }
    },
    settled: () => last,
    stop: async () => {
      clearInterval(reading);
      clearInterval(sweeping);
      clearInterval(dropping);
      for (const timer of timers) clearTimeout(timer);
      await last;
    },
  };
};
