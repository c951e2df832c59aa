/** The queues of this machine as one: which spools, who may read them, names for numbers. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { QueuedMessage } from '../../model/queue/message.ts';
import { findSpools, namedSpool } from '../../sense/queue/spool.ts';
import type { Spool } from '../../sense/queue/spool.ts';
import { walkListing } from '../../sense/queue/listing.ts';
import { countEntries, walkSpool } from '../../sense/queue/walk.ts';
import type { Walked, WalkOptions } from '../../sense/queue/walk.ts';

/** `withTotal`: the names are counted first, so that progress can tell how far it is. */
export type QueueWalkOptions = WalkOptions & { readonly withTotal?: boolean };

export type QueueWalk = Walked & { readonly spools: readonly Spool[]; readonly notes: readonly string[] };

export const chosenSpools = (named: readonly string[]): readonly Spool[] =>
  named.length > 0 ? named.map((path) => namedSpool(path)) : findSpools();

/** Its files, and so accounts and clients; Postfix's listing is there for everybody. */
export const mayRead = ({ kind, path }: Spool): boolean => {
  try {
    accessSync(kind === 'postfix' ? join(path, 'deferred') : path, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Postfix writes only the number of a local user. */
const loginNames = (): ReadonlyMap<number, string> => {
  try {
    const lines = readFileSync('/etc/passwd', 'latin1').split('\n');
    return new Map(lines.map((line) => line.split(':')).map(([name = '', , uid]) => [Number(uid), name]));
  } catch {
    return new Map();
  }
};

/** Undefined when one of them is only listed. */
const totalOf = (spools: readonly Spool[]): number | undefined =>
  spools.every(mayRead) ? spools.reduce((sum, spool) => sum + countEntries(spool), 0) : undefined;

/** @throws Fault INPUT_UNREADABLE when a queue may not be read */
export const walkQueues = async (
  spools: readonly Spool[],
  tell: (message: QueuedMessage, spool: Spool) => void,
  options: QueueWalkOptions = {},
): Promise<QueueWalk> => {
  const names = loginNames();
  const whole = { messages: 0, moving: 0, damagedCount: 0, damaged: [] as Walked['damaged'] };
  const notes: string[] = [];
  const total = options.withTotal === true ? totalOf(spools) : undefined;
  for (const spool of spools) {
    const isListed = spool.kind === 'postfix' && !mayRead(spool);
    if (isListed) notes.push('Postfix was asked by postqueue: accounts, clients and scripts are told only to root');
    const named = (message: QueuedMessage): void => {
      const user = message.uid === undefined ? undefined : names.get(message.uid);
      tell(message.user === undefined && user !== undefined ? { ...message, user } : message, spool);
    };
    const before = { ...whole };
    const onProgress = (walked: Walked): void =>
      options.onProgress?.({ ...walked, messages: before.messages + walked.messages }, total);
    const walked = isListed
      ? await walkListing(named, { ...options, onProgress })
      : await walkSpool(spool, named, { ...options, onProgress });
    whole.messages += walked.messages;
    whole.moving += walked.moving;
    whole.damagedCount += walked.damagedCount;
    whole.damaged.push(...walked.damaged);
  }
  return { ...whole, spools, notes };
};
