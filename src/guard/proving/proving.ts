/**
 * The guard proves by itself that its hooks are asked and obeyed: at the start and every so many minutes, with one short
 * session a place, and at once when a log tells of mail that nobody asked about. That mail flows on without an answer (`open`)
 * is proven by `postern check` alone (docs/decisions/0008-open-is-proven-on-demand.md).
 */
import { setTimeout as pause } from 'node:timers/promises';
import { errorWords } from '../../model/fault.ts';
import type { Receipts } from '../../model/receipt.ts';
import type { CarryOut } from '../../model/verb.ts';
import { createAddressSet } from '../../model/address-set.ts';
import type { AddressSet } from '../../model/address-set.ts';
import type { Event } from '../../model/event.ts';
import type { Endpoints, Wiring } from '../../servers/wiring.ts';
import { serverNames } from '../check/asked-at.ts';
import type { AskedAt, CheckedServer } from '../check/asked-at.ts';
import { readWiring } from '../check/machine.ts';
import type { ProofNews } from '../notices/news.ts';
import { lookAt } from './look.ts';
import type { Looker } from './look.ts';
import { createOwnSessions } from './own-sessions.ts';
import { hasService, isSamePlace, nameOf, readKept, usualPlaces, wiredPlaces, writeKept } from './place.ts';
import type { Kept, Look, Place } from './place.ts';
import { turnOf } from './turns.ts';
import type { Turn } from './turns.ts';
import { createUnasked, isTaken, unaskedMin } from './unasked.ts';

/** A server that is just being reloaded is looked at once more before anybody is told. */
const secondLookMs = 3000;
/** Somebody who took our lines out by hand and left it so has meant it. */
const rememberMs = 7 * 86_400_000;
const leaveMsMax = 2000;
/** So soon is a server looked at that was just set up, or taken back. */
const setUpEveryMs = 5000;
/** Mail that nobody asked about has a server looked at no oftener. */
const byMailEveryMs = 60_000;

export type Proving = {
  /** A fact of one of our own sessions, which counts for nothing. */
  readonly isOwn: (event: Event) => boolean;
  /** Hears from the logs what was taken. */
  readonly hear: (event: Event) => void;
  /** Looks now, and from now on: the hooks listen. */
  readonly begin: () => void;
  /** Resolves when every place has been looked at once more. */
  readonly again: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

type Wanted = Pick<Looker, 'key' | 'heardFile' | 'loggedFile'> & {
  /** 0: never. */
  readonly everySeconds: number;
  readonly state: string;
  readonly endpoints: Endpoints;
  readonly receipts: Pick<Receipts, 'inForce' | 'inState'>;
  readonly carryOut: CarryOut;
  readonly asked: AskedAt;
  readonly tell: (news: ProofNews) => void;
  readonly complain: (text: string) => void;
};

type Told = { readonly turn: Turn; readonly kept: Kept };

const wordsOf: Readonly<Record<Turn, (words: string, server: string) => string>> = {
  proven: () => 'asks and obeys',
  lost: (words, server) =>
    `does not ask as it should: ${words}; its mail goes on unguarded (postern check ${server}, postern setup ${server})`,
  mended: (words) => `asks again: ${words}`,
};

/** One piece of news for all doors of a server that turn at once. */
const newsOf = (told: readonly Told[]): readonly ProofNews[] =>
  [...Map.groupBy(told, ({ turn, kept }) => `${turn} ${kept.hook}`).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const places = same.map(({ kept }) => kept);
    const words = wordsOf[first.turn](first.kept.words, first.kept.server);
    return [{ kind: 'proof', turn: first.turn, places, text: `${nameOf(places)} ${words}` }];
  });

/** Which places of a server are to be looked at now, those known before among them. */
const placesOf = (
  server: CheckedServer,
  wiring: Wiring | undefined,
  known: readonly Kept[],
  isSetUp: boolean,
): readonly Place[] => {
  const wired = wiring === undefined ? [] : wiredPlaces(server, wiring);
  const lost = known.filter((place) => !wired.some((one) => isSamePlace(one, place)));
  const expected = lost.filter(
    (place) =>
      (isSetUp || (!place.isSetUp && (place.state !== 'wrong' || place.lookedAt - place.since < rememberMs))) &&
      (wiring === undefined || hasService(wiring, place)),
  );
  const places = [...wired, ...expected];
  return places.length === 0 && isSetUp && wiring !== undefined ? usualPlaces(server, wiring) : places;
};

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const createProving = (wanted: Wanted): Proving => {
  const { state, receipts, asked } = wanted;
  const isOn = wanted.everySeconds > 0;
  const leaving = new AbortController();
  const sessions = createOwnSessions();
  const { key, heardFile, loggedFile } = wanted;
  const looker: Looker = { key, heardFile, loggedFile, sessions, given: leaving.signal };
  const startedAt = Date.now();
  const unasked = createUnasked(asked.of);
  /** As it was at the last look. */
  const askedBefore = new Map<string, number>();
  const exempt = new Map<string, AddressSet>();
  let kept: readonly Kept[] = isOn ? readKept(state) : [];

  /** What no session of ours could tell, the mail may. */
  const seeing = (place: Place, look: Pick<Look, 'state' | 'words'>, isAskedSince: boolean): Look => {
    if (look.state !== 'not-proven') return { ...look, isByMail: false };
    const count = unasked.of(place.server);
    return count >= unaskedMin
      ? { state: 'wrong', words: `${count} were taken without a question, by its log`, isByMail: true }
      : {
          ...look,
          words: isAskedSince ? `asked about its own mail; ${look.words}` : look.words,
          isByMail: isAskedSince,
        };
  };

  const lookTwice = async (
    place: Place,
    wiring: Wiring | undefined,
    isLost: boolean,
  ): Promise<Pick<Look, 'state' | 'words'>> => {
    const first = await lookAt(place, wiring, looker);
    if (first.state !== 'wrong' || isLost) return first;
    await pause(secondLookMs, undefined, { signal: leaving.signal });
    return lookAt(place, await readWiring(place.server, wanted.endpoints, wanted.carryOut), looker);
  };

  /** The ids of what is in force: of one server, or of all. */
  const setUpIds = (server?: CheckedServer): string =>
    receipts
      .inForce('setup', server)
      .map(({ id }) => id)
      .join(' ');
  const setUpsOf = (server: CheckedServer): { readonly inForce: string; readonly isUnderWay: boolean } => ({
    inForce: setUpIds(server),
    isUnderWay: receipts.inState('open', 'undoing').some(({ kind, subject }) => kind === 'setup' && subject === server),
  });

  const lookAtServer = async (server: CheckedServer): Promise<void> => {
    const { inForce } = setUpsOf(server);
    const isSetUp = inForce !== '';
    const known = kept.filter((place) => place.server === server);
    const wiring = await readWiring(server, wanted.endpoints, wanted.carryOut);
    exempt.set(server, createAddressSet(['127.0.0.0/8', '::1', ...(wiring?.exempt ?? [])]));
    const lastAsked = asked.of(server);
    const isAskedSince = askedBefore.has(server) && askedBefore.get(server) !== lastAsked;
    askedBefore.set(server, lastAsked);
    const seen: Kept[] = [];
    const told: Told[] = [];
    for (const place of placesOf(server, wiring, known, isSetUp)) {
      const before = known.find((one) => isSamePlace(one, place));
      const look = await lookTwice(place, wiring, before?.state === 'wrong');
      if (leaving.signal.aborted) return;
      // Somebody sets it up, or takes it back, just now: what was seen was half of it.
      const now = setUpsOf(server);
      if (look.state === 'wrong' && (now.isUnderWay || now.inForce !== inForce)) return;
      const found = turnOf(before, { ...place, isSetUp }, seeing(place, look, isAskedSince), Date.now());
      seen.push(found.kept);
      if (found.turn !== undefined) told.push({ turn: found.turn, kept: found.kept });
    }
    newsOf(told).forEach(wanted.tell);
    if (seen.every((place) => place.state === 'proven')) unasked.forgive(server);
    kept = [...kept.filter((place) => place.server !== server), ...seen];
  };

  let working: Promise<void> = Promise.resolve();
  const again = (servers: readonly CheckedServer[] = serverNames): Promise<void> => {
    working = working
      .then(async () => {
        for (const server of servers) if (!leaving.signal.aborted) await lookAtServer(server);
        if (!leaving.signal.aborted) await writeKept(state, kept);
      })
      .catch((error: unknown) => {
        if (!leaving.signal.aborted) wanted.complain(`looking whether servers ask: ${errorWords(error)}`);
      });
    return working;
  };

  const lookedByMail = new Map<CheckedServer, number>();
  const hear = (event: Event): void => {
    const server = serverNames.find((name) => name === event.server);
    if (!isOn || server === undefined || event.time < startedAt || !isTaken(event)) return;
    if (exempt.get(server)?.has(event.client ?? '') === true || !kept.some((place) => place.server === server)) return;
    if (unasked.took(server, event.time) < unaskedMin || Date.now() - (lookedByMail.get(server) ?? 0) < byMailEveryMs)
      return;
    lookedByMail.set(server, Date.now());
    void again([server]);
  };

  let isDue = false;
  const inTurn = (): void => {
    // A round that takes longer than the pause between two is not followed by a queue of others.
    if (isDue) return;
    isDue = true;
    void again().then(() => (isDue = false));
  };
  const timers: NodeJS.Timeout[] = [];
  let setUpBefore = '';
  const setUps = (): string => {
    try {
      return setUpIds();
    } catch {
      // Nothing new is known; `acting/` reads the same ledger, and says what is wrong with it.
      return setUpBefore;
    }
  };
  const lookAtNew = (): void => {
    const now = setUps();
    if (now === setUpBefore || isDue) return;
    setUpBefore = now;
    inTurn();
  };
  return {
    isOwn: sessions.isOwn,
    hear,
    begin: () => {
      if (!isOn) return;
      setUpBefore = setUps();
      inTurn();
      timers.push(setInterval(inTurn, wanted.everySeconds * 1000), setInterval(lookAtNew, setUpEveryMs));
    },
    again: () => again(),
    stop: async () => {
      for (const timer of timers) clearInterval(timer);
      leaving.abort();
      await Promise.race([working, pause(leaveMsMax, undefined, { ref: false })]);
    },
  };
};
