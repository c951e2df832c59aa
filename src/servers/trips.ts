/**
 * Messages that come back from where they were sent on: two forwards that send to each other. The same Message-ID arrives
 * again from the network that it was handed to. A stranger can write any Message-ID and any number of Received headers,
 * but not from there; and a filter that every message passes once gives it back once. So the third return is a loop.
 */
import { networkOf } from '../model/address.ts';
import type { EventDraft } from '../model/event.ts';
import { keep } from '../model/keep.ts';
import { recent } from './recent.ts';
import type { Recent } from './recent.ts';

const messagesMax = 16_384;
const returnsMin = 3;

type Trip = {
  /** Where it is now; '' when it is here. */
  network: string;
  /** The address here that it was for, and what it was sent on to. */
  origin: string;
  target: string;
  returns: number;
};
export type Trips = Recent<Trip>;

export const newTrips = (): Trips => recent(messagesMax);

/**
 * Notes a delivery when it handed the message to another host.
 * @param target where to, when it is not the recipient that the log names
 */
export const sentOn = (
  trips: Trips,
  messageId: string | undefined,
  relay: string | undefined,
  { outcome, remote, origin, recipient }: EventDraft,
  target = recipient,
): void => {
  if (outcome !== 'sent' || remote !== true || messageId === undefined || relay === undefined) return;
  const trip = trips.get(messageId);
  const now = {
    network: networkOf(relay),
    origin: keep(origin ?? recipient ?? ''),
    target: keep(target ?? ''),
  };
  if (trip === undefined) trips.set(messageId, { ...now, returns: 0 });
  else Object.assign(trip, now);
};

/** Notes an arrival; when it is a loop, the event says so. */
export const cameBack = (trips: Trips, messageId: string | undefined, arrival: EventDraft): void => {
  const trip = messageId === undefined ? undefined : trips.get(messageId);
  if (trip === undefined || arrival.client === undefined || trip.network !== networkOf(arrival.client)) return;
  trip.network = '';
  if (++trip.returns < returnsMin) return;
  arrival.reason = 'loop';
  arrival.origin = trip.origin;
  arrival.recipient = trip.target;
};
