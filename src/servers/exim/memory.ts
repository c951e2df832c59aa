/** Messages by id, from `<=` to `Completed`. Bounded. */
import type { Protocol, Reason } from '../../model/event.ts';
import { recent } from '../recent.ts';
import type { Recent } from '../recent.ts';
import { newTrips } from '../trips.ts';
import type { Trips } from '../trips.ts';

export type Message = {
  readonly client: string | undefined;
  readonly account: string | undefined;
  readonly sender: string | undefined;
  readonly user: string | undefined;
  readonly reason: Reason | undefined;
  readonly protocol: Protocol | undefined;
  readonly messageId: string | undefined;
};

export type EximMemory = {
  readonly messages: Recent<Message>;
  readonly trips: Trips;
  /** Where the commands that call Exim stood, by process (log_selector +arguments +pid). */
  readonly directories: Recent<string>;
  /** The same of the line before, where no process is named: of two scripts at once nobody knows which is whose. */
  before: string | undefined;
  /** When a command was called that has handed nothing in yet; 0: none. */
  calledAt: number;
};

const directoriesMax = 4096;

const messagesMax = 65_536;
export const newMemory = (): EximMemory => ({
  messages: recent(messagesMax),
  trips: newTrips(),
  directories: recent(directoriesMax),
  before: undefined,
  calledAt: 0,
});
