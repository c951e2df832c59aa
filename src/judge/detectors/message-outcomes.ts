/**
 * The outcomes of a message with many recipients, in an order that is fair: the next server refuses the dead ones at RCPT and
 * takes the others only after DATA (RFC 5321 §4.1.1.4), so the log tells of all dead ones first. Weighed as they come, two
 * such messages of an honest newsletter would be eight dead addresses in a row. So they wait until all of their message are
 * told of, or a minute has passed, and are then dealt evenly. A message whose number of recipients nobody told is weighed as it comes.
 */
import type { Facts } from './detector.ts';

const openMax = 10_000;
/** Outcomes that wait, of all messages. */
const waitingMax = 20_000;
const patienceSeconds = 60;

type Open = { left: number; readonly since: number; readonly dead: Facts[]; readonly good: Facts[] };

/** @returns what may be weighed now */
export type Settle = (facts: Facts, isDead: boolean) => readonly Facts[];

/** Each at its share of the way, as cards of two packs. */
const dealt = ({ dead, good }: Open): readonly Facts[] =>
  [dead, good]
    .flatMap((pack) => pack.map((facts, at) => ({ facts, place: (at + 0.5) / pack.length })))
    .toSorted((a, b) => a.place - b.place)
    .map(({ facts }) => facts);

export const createSettle = (): Settle => {
  const messages = new Map<string, Open>();
  let waitingCount = 0;

  const close = (id: string, open: Open): readonly Facts[] => {
    messages.delete(id);
    waitingCount -= open.dead.length + open.good.length;
    const outcomes = dealt(open);
    // A map's outgrown table still names those that left: they may hold nothing, or pieces of the log grow old with them.
    open.dead.length = 0;
    open.good.length = 0;
    return outcomes;
  };

  /** Of the oldest: those that waited long enough, and those that there is no room for. */
  const overdue = (seconds: number): readonly Facts[] => {
    const free: Facts[] = [];
    for (const [id, open] of messages) {
      const isOver = seconds - open.since > patienceSeconds;
      if (!isOver && messages.size <= openMax && waitingCount <= waitingMax) break;
      free.push(...close(id, open));
    }
    return free;
  };

  return (facts, isDead) => {
    const { event, seconds } = facts;
    if (event.queueId === undefined) return [facts];
    const id = `${event.server} ${event.queueId}`;
    if (event.kind === 'message') {
      if (event.count !== undefined && event.count > 1 && !messages.has(id))
        messages.set(id, { left: event.count, since: seconds, dead: [], good: [] });
      return overdue(seconds);
    }
    const open = event.kind === 'delivery' ? messages.get(id) : undefined;
    if (open === undefined) return [...overdue(seconds), facts];
    open.left--;
    (isDead ? open.dead : open.good).push(facts);
    waitingCount++;
    return open.left > 0 ? overdue(seconds) : [...close(id, open), ...overdue(seconds)];
  };
};
