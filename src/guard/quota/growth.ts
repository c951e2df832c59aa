/**
 * How fast mailboxes fill: today's numbers against those of an earlier look, kept in the state directory so that a restart,
 * or the next `postern quota audit`, goes on with them. Two looks are kept: with the guard running the comparison reaches
 * back half an hour to an hour.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { roomBytesOf } from '../../model/mailbox.ts';
import type { Mailbox } from '../../model/mailbox.ts';
import { readListing } from '../../servers/quota/listing.ts';

/** Below this a single large message would look like a flood. */
const windowMsMin = 600_000;
const keepMs = 1_800_000;
/** A look into the future goes no further than this, and than so many times what was seen. */
const horizonHours = 24;
const horizonWindows = 12;

type Look = {
  readonly at: number;
  readonly seen: ReadonlyMap<string, Pick<Mailbox, 'usedBytes' | 'messages'>>;
};

export type Growth = {
  readonly bytesPerHour: number;
  readonly messagesPerHour: number;
  /** Until it is full, when that is so near that what was seen tells of it. */
  readonly fullInHours: number | undefined;
};

const head = '# postern quota ';

const readLook = async (file: string): Promise<Look | undefined> => {
  const text = await readFile(file, 'latin1').catch(() => '');
  const at = text.startsWith(head) ? Number(text.slice(head.length, text.indexOf('\n'))) : 0;
  if (!(at > 0)) return undefined;
  return { at, seen: new Map(readListing(text).mailboxes.map((mailbox) => [mailbox.address, mailbox])) };
};

const writeLook = async (file: string, { at, seen }: Look): Promise<void> => {
  const rows = [...seen].map(
    ([address, { usedBytes, messages }]) => `${address} ${usedBytes ?? '-'} - ${messages ?? '-'} -`,
  );
  await mkdir(dirname(file), { recursive: true, mode: 0o750 });
  await writeFile(`${file}.tmp`, `${head}${at}\n${rows.join('\n')}\n`, { encoding: 'latin1', mode: 0o640 });
  await rename(`${file}.tmp`, file);
};

/** What cannot be written is only not there after a restart. */
const keep = async (file: string, before: Look | undefined, last: Look): Promise<void> => {
  try {
    if (before !== undefined) await writeLook(`${file}.before`, before);
    await writeLook(file, last);
  } catch {
    // The disk is full, or somebody else's.
  }
};

const growthOf = (mailbox: Mailbox, before: Look, now: number): Growth | undefined => {
  const old = before.seen.get(mailbox.address);
  if (old?.usedBytes === undefined || mailbox.usedBytes === undefined) return undefined;
  const hours = Math.max(windowMsMin, now - before.at) / 3_600_000;
  const bytesPerHour = (mailbox.usedBytes - old.usedBytes) / hours;
  const fullIn = Math.max(0, roomBytesOf(mailbox)) / bytesPerHour;
  return {
    bytesPerHour,
    messagesPerHour: ((mailbox.messages ?? 0) - (old.messages ?? 0)) / hours,
    fullInHours: bytesPerHour > 0 && fullIn <= Math.min(horizonHours, horizonWindows * hours) ? fullIn : undefined,
  };
};

export type GrowthBook = {
  /** @returns by address; a mailbox that was not seen before has none */
  readonly enter: (mailboxes: readonly Mailbox[], now: number) => Promise<ReadonlyMap<string, Growth>>;
};

/** @param file in the state directory */
export const openGrowth = (file: string): GrowthBook => {
  let looks: Promise<readonly (Look | undefined)[]> | undefined;
  return {
    enter: async (mailboxes, now) => {
      looks ??= Promise.all([readLook(`${file}.before`), readLook(file)]);
      const [before, last] = await looks;
      // A clock that was set back makes what was kept useless.
      const past = [before, last].find((look) => look !== undefined && look.at < now);
      if (last === undefined || now - last.at >= keepMs || last.at > now) {
        const look: Look = { at: now, seen: new Map(mailboxes.map((mailbox) => [mailbox.address, mailbox])) };
        looks = Promise.resolve([last, look]);
        await keep(file, last, look);
      }
      if (past === undefined) return new Map();
      return new Map(
        mailboxes.flatMap((mailbox) => {
          const growth = growthOf(mailbox, past, now);
          return growth === undefined ? [] : [[mailbox.address, growth] as const];
        }),
      );
    },
  };
};
