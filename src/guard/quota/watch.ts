/**
 * Keeps the table up to date about mailboxes that are full, nearly full or filling fast. Everything slow (Dovecot, disks, a
 * command) is done here, beside the judging; verdicts read the table alone. What cannot be read any more is forgotten after
 * a few rounds.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { errorWords } from '../../model/fault.ts';
import { forgetRoom, roomsIn, sayRoom } from '../../judge/detectors/mailbox-room.ts';
import type { Room } from '../../judge/detectors/mailbox-room.ts';
import type { Table } from '../../judge/statistics/table.ts';
import type { Event } from '../../model/event.ts';
import { roomBytesOf, shareUsedOf } from '../../model/mailbox.ts';
import type { Mailbox } from '../../model/mailbox.ts';
import type { CarryOut } from '../../model/verb.ts';
import { askQuotaStatus } from '../../sense/mailboxes/quota-status.ts';
import { behindAliases } from '../../servers/quota/behind-aliases.ts';
import type { Aliases } from '../../servers/quota/behind-aliases.ts';
import { openAliases } from './aliases.ts';
import { openGrowth } from './growth.ts';
import type { Growth } from './growth.ts';
import type { QuotaChoice } from './options.ts';
import { createRecipients } from './recipients.ts';
import { readQuotas } from './read.ts';

/** Larger messages than this are not looked at: servers take less. */
const tightBytes = 50_000_000;
const roundsKept = 3;
const keepSecondsMin = 180;
/** So soon is a mailbox asked about that has just been met. */
const newcomersMs = 200;
const leaveMsMax = 2000;

export type QuotaWatch = {
  /** Learns whose mailboxes are in use, for sources that list none. */
  readonly hear: (event: Event) => void;
  /** Resolves when every source has been read once more. */
  readonly readAgain: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

type Wanted = QuotaChoice & {
  readonly state: string;
  readonly table: Table;
  readonly carryOut: CarryOut;
  readonly complain: (text: string) => void;
};

const roomOf = (mailbox: Mailbox, growth: Growth | undefined): Room | undefined => {
  const bytes = roomBytesOf(mailbox);
  if (bytes >= tightBytes && growth?.fullInHours === undefined) return undefined;
  const share = shareUsedOf(mailbox);
  return {
    overFromBytes: bytes <= 0 ? 0 : bytes + 1,
    fullInSeconds: growth?.fullInHours === undefined ? undefined : growth.fullInHours * 3600,
    percentUsed: share === undefined ? undefined : Math.floor(share * 100),
  };
};

const larger = (one: Room, other: Room): Room => (one.overFromBytes >= other.overFromBytes ? one : other);

/** Without its domain it is what an alias may lead to. */
const recipientsOf = (address: string, domains: readonly string[]): readonly string[] =>
  address.includes('@') ? [address] : [address, ...domains.map((domain) => `${address}@${domain}`)];

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const startQuotaWatch = (wanted: Wanted): QuotaWatch => {
  const { sources, domains, table } = wanted;
  const statuses = sources.flatMap((source) => (source.kind === 'quota-status' ? [source] : []));
  const recipients = createRecipients();
  const leaving = new AbortController();
  const growth = openGrowth(join(wanted.state, 'quota.looks'));
  const keepSeconds = Math.max(keepSecondsMin, roundsKept * wanted.refreshSeconds);
  /** What was said last; by now it may have room. */
  let said: ReadonlyMap<string, Room> = new Map();
  const aliasBook = openAliases(domains);
  let aliases: Aliases = new Map();
  const complaints = new Set<string>();
  /** The same trouble is said once, until it is over. */
  const complain = (texts: readonly string[]): void => {
    if (leaving.signal.aborted) return;
    for (const text of texts) if (!complaints.has(text)) wanted.complain(`quotas: ${text}`);
    complaints.clear();
    for (const text of texts) complaints.add(text);
  };

  const say = (rooms: ReadonlyMap<string, Room>): void => {
    const seconds = Math.floor(Date.now() / 1000);
    for (const [address, room] of rooms) sayRoom(table, address, room, seconds + keepSeconds, seconds);
  };

  const askStatuses = async (addresses: readonly string[], rooms: Map<string, Room>): Promise<void> => {
    for (const { at } of statuses)
      await askQuotaStatus(
        at,
        addresses,
        (address, overFromBytes) => {
          if (overFromBytes === Infinity) return;
          const room = { overFromBytes, fullInSeconds: undefined, percentUsed: undefined };
          const before = rooms.get(address);
          if (before === undefined || overFromBytes < before.overFromBytes) rooms.set(address, room);
        },
        leaving.signal,
      );
  };

  const listedRooms = async (): Promise<{ rooms: Map<string, Room>; complete: boolean; troubles: string[] }> => {
    const { mailboxes, unknown, complete } = await readQuotas(sources, wanted.carryOut, leaving.signal);
    const growths = await growth.enter(mailboxes, Date.now());
    const tight = mailboxes
      .flatMap((mailbox) => {
        const room = roomOf(mailbox, growths.get(mailbox.address));
        return room === undefined ? [] : [{ address: mailbox.address, room }];
      })
      .toSorted((a, b) => a.room.overFromBytes - b.room.overFromBytes);
    const rooms = new Map(
      tight.flatMap(({ address, room }) =>
        recipientsOf(address, domains).map((recipient) => [recipient, room] as const),
      ),
    );
    return { rooms, complete, troubles: [...unknown] };
  };

  const round = async (): Promise<void> => {
    const { rooms, complete, troubles } = await listedRooms();
    let isComplete = complete;
    try {
      await askStatuses(recipients.inUse(Date.now()), rooms);
    } catch (error) {
      isComplete = false;
      troubles.push(errorWords(error));
    }
    aliases = rooms.size === 0 ? aliases : await aliasBook.read(Date.now());
    // The fullest ones, where there are more; aliases stand behind them.
    const now = new Map([...behindAliases(rooms, aliases, larger)].slice(0, roomsIn(table)));
    say(now);
    // What a source that is down said before holds until its time.
    if (isComplete) for (const address of said.keys()) if (!now.has(address)) forgetRoom(table, address);
    said = isComplete ? now : new Map([...said, ...now]);
    complain(troubles);
  };

  const newcomers = async (): Promise<void> => {
    const rooms = new Map<string, Room>();
    await askStatuses(recipients.takeNew(), rooms);
    const own = new Map([...rooms].filter(([address]) => !aliases.has(address)));
    say(own);
    said = new Map([...said, ...own]);
  };

  let working: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    working = working.then(work).catch((error: unknown) => complain([errorWords(error)]));
    return working;
  };
  let due = false;
  const again = (): void => {
    // A round that takes longer than the pause between two is not followed by a queue of others.
    if (due) return;
    due = true;
    void inTurn(round).then(() => (due = false));
  };
  if (sources.length > 0) again();
  const timer = sources.length === 0 ? undefined : setInterval(again, wanted.refreshSeconds * 1000);
  let soon: NodeJS.Timeout | undefined;
  return {
    hear: (event) => {
      if (statuses.length === 0 || !recipients.meet(event)) return;
      soon ??= setTimeout(() => {
        soon = undefined;
        void inTurn(newcomers);
      }, newcomersMs);
    },
    readAgain: () => inTurn(round),
    stop: async () => {
      clearInterval(timer);
      clearTimeout(soon);
      leaving.abort();
      // A source that hangs keeps nobody from leaving.
      await Promise.race([working, pause(leaveMsMax, undefined, { ref: false })]);
    },
  };
};
