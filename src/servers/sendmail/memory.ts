/** What the Sendmail grammar remembers: messages by queue id, logins by process, refusals that wait for their client. Bounded. */
import type { Outcome, Protocol, Reason } from '../../model/event.ts';
import { recent } from '../recent.ts';
import type { Recent } from '../recent.ts';
import { newTrips } from '../trips.ts';
import type { Trips } from '../trips.ts';

export type Message = {
  client: string | undefined;
  account: string | undefined;
  sender: string | undefined;
  user: string | undefined;
  reason: Reason | undefined;
  protocol: Protocol | undefined;
  messageId: string | undefined;
};

/** What names no client (`QID: <addr>... User unknown`): it stands on the line that ends the transaction, or the session. */
export type Waiting = {
  readonly kind: 'recipient' | 'sender' | 'helo' | 'limit' | 'disconnect' | 'other' | 'auth';
  readonly time: number;
  readonly recipient?: string;
  /** Who was tried. */
  readonly tried?: string;
  readonly outcome?: Outcome;
  readonly reason?: Reason;
  readonly words: string;
};

export type SendmailMemory = {
  readonly messages: Recent<Message>;
  readonly logins: Recent<string>;
  readonly waiting: Recent<Waiting[]>;
  readonly trips: Trips;
};

const messagesMax = 65_536;
const loginsMax = 4096;
const waitingMax = 4096;
/** Recipients that wait in one transaction; Sendmail itself stops at a hundred by default. */
export const waitingPerMessageMax = 1000;

export const newMemory = (): SendmailMemory => ({
  messages: recent(messagesMax),
  logins: recent(loginsMax),
  waiting: recent(waitingMax),
  trips: newTrips(),
});

export const newMessage = (): Message => ({
  client: undefined,
  account: undefined,
  sender: undefined,
  user: undefined,
  reason: undefined,
  protocol: undefined,
  messageId: undefined,
});
