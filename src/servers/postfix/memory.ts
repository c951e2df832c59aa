/** What the Postfix grammar remembers of one instance: messages by queue id. Bounded. */
import type { Protocol, Reason } from '../../model/event.ts';
import { recent } from '../recent.ts';
import type { Recent } from '../recent.ts';
import { newTrips } from '../trips.ts';
import type { Trips } from '../trips.ts';

const messagesMax = 65_536;
const proxiedMax = 4096;

export type Message = {
  client: string | undefined;
  account: string | undefined;
  sender: string | undefined;
  user: string | undefined;
  helo: string | undefined;
  protocol: Protocol | undefined;
  /** A bounce that our server made of another message. */
  reason: Reason | undefined;
  /** The recipient that a forward replaced, of the message that this one bounces. */
  origin: string | undefined;
  messageId: string | undefined;
  /** Its `message` event was told: qmgr repeats its line at every retry. */
  told: boolean;
};

export const newMessage = (): Message => ({
  client: undefined,
  account: undefined,
  sender: undefined,
  user: undefined,
  helo: undefined,
  protocol: undefined,
  reason: undefined,
  origin: undefined,
  messageId: undefined,
  told: false,
});

export type PostfixMemory = {
  readonly messages: Recent<Message>;
  /** Clients of sessions before a proxy filter, whose messages have no queue id, by process. */
  readonly proxied: Recent<Message>;
  readonly trips: Trips;
  /** Failed logins that were told, by process. */
  readonly failedLogins: Recent<number>;
};

export const newMemory = (): PostfixMemory => ({
  messages: recent(messagesMax),
  proxied: recent(proxiedMax),
  trips: newTrips(),
  failedLogins: recent(proxiedMax),
});
