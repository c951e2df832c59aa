/**
 * Intake: what is told is bounded before it is judged. One line with a wrong clock must not blind the statistics (they
 * would hold everything after it for older than the past), and one endless name must not fill the reports.
 *
 * A step of more than 30 days, forward or back, is believed when three events in a row agree on it; until then such
 * events count as told now.
 */
import type { JudgedEvent } from '../model/event.ts';

const stepMsMax = 30 * 86_400_000;
const witnessesMin = 3;
/** Seconds are kept in 32 bits. */
const timeMax = (2 ** 32 - 1) * 1000;
/** RFC 5321 §4.5.3.1: local part 64, domain 255. */
const nameCharsMax = 320;
const countMax = 1_000_000;

/** @returns the time that is believed for an event of this time */
export const createClock = (): ((time: number) => number) => {
  // In an object: a number this large in a variable would be a new object for each event. NaN: no time is known yet.
  const clock = { now: NaN, claimed: 0 };
  let witnesses = 0;
  return (time) => {
    if (!(time >= 0 && time <= timeMax)) return clock.now || 0;
    if (!(Math.abs(time - clock.now) > stepMsMax)) {
      witnesses = 0;
      clock.now = time;
      return time;
    }
    witnesses = witnesses > 0 && Math.abs(time - clock.claimed) <= stepMsMax ? witnesses + 1 : 1;
    clock.claimed = time;
    if (witnesses < witnessesMin) return clock.now;
    witnesses = 0;
    clock.now = time;
    return time;
  };
};

const cut = (text: string | undefined): string | undefined =>
  text !== undefined && text.length > nameCharsMax ? text.slice(0, nameCharsMax) : text;

const isTooLong = (text: string | undefined): boolean => text !== undefined && text.length > nameCharsMax;

// One by one: a list of them for every event is a tenth of all that an analysis allocates.
const isAddressTooLong = ({ account, sender, recipient, origin }: JudgedEvent): boolean =>
  isTooLong(account) || isTooLong(sender) || isTooLong(recipient) || isTooLong(origin);
const isWordTooLong = ({ user, client, password, helo, queueId }: JudgedEvent): boolean =>
  isTooLong(user) || isTooLong(client) || isTooLong(password) || isTooLong(helo) || isTooLong(queueId);

const isOdd = (count: number | undefined): boolean => count !== undefined && !(count >= 1 && count <= countMax);

/** @returns a function that gives the event as it was told, or a bounded copy of it */
export const createIntake = (): ((event: JudgedEvent) => JudgedEvent) => {
  const clock = createClock();
  return (event) => {
    const time = clock(event.time);
    const { account, sender, recipient, origin, user, client, password, helo, queueId, count } = event;
    const isWhole =
      time === event.time && account !== '' && !isOdd(count) && !isAddressTooLong(event) && !isWordTooLong(event);
    if (isWhole) return event;
    return {
      ...event,
      time,
      // A server that logs no name may log an empty one.
      account: account === '' ? undefined : cut(account),
      sender: cut(sender),
      recipient: cut(recipient),
      origin: cut(origin),
      user: cut(user),
      client: cut(client),
      password: cut(password),
      helo: cut(helo),
      queueId: cut(queueId),
      count: count === undefined || !isOdd(count) ? count : count > countMax ? countMax : 1,
    };
  };
};
