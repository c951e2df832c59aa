/**
 * Events on their way from one thread to another: thousands at once, as one text and two arrays of numbers. Cloning the
 * objects would cost more than reading the line that told them.
 *
 *   words    for each event: its names by their places in the lists, which fields it has, the length of each text
 *   floats   for each event: the time, then count and size where it has them
 *   text     all texts, one behind the other (latin1)
 *
 * `session` and `text` stay behind: a `JudgedEvent` has neither.
 */
import { draftEvent, eventKinds, outcomes, protocols, reasons, serverNames } from '../../model/event.ts';
import type { Event } from '../../model/event.ts';
import { keep } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';

export type Batch = {
  readonly text: string;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly floats: Float64Array<ArrayBuffer>;
};

export type Packer = {
  readonly add: Tell;
  /** Events that wait; `eventsMax` of them must be taken before another is added. */
  readonly size: () => number;
  /** What waits, and begins a new batch. */
  readonly take: () => Batch;
};

export const eventsMax = 512;
const wordsPerEvent = 12;
const floatsPerEvent = 3;

/** Place in a list, from 1 on; 0: undefined. */
const codesOf = (names: readonly string[]): ReadonlyMap<string | undefined, number> =>
  new Map(names.map((name, at) => [name, at + 1]));
const serverCodes = codesOf(serverNames);
const kindCodes = codesOf(eventKinds);
const outcomeCodes = codesOf(outcomes);
const protocolCodes = codesOf(protocols);
const reasonCodes = codesOf(reasons);

/** How many bits a code is shifted by in an event's first word. */
const places = { kind: 0, server: 5, outcome: 8, protocol: 13, reason: 17, remote: 24 } as const;

/** Bits of an event's second word: the fields that it has. */
const has = {
  client: 1,
  account: 2,
  sender: 4,
  recipient: 8,
  queueId: 16,
  helo: 32,
  user: 64,
  origin: 128,
  dsn: 256,
  password: 512,
  count: 1024,
  size: 2048,
} as const;

const namesOf = ({ kind, server, outcome, protocol, reason, remote }: Event): number =>
  ((kindCodes.get(kind) ?? 0) << places.kind) |
  ((serverCodes.get(server) ?? 0) << places.server) |
  ((outcomeCodes.get(outcome) ?? 0) << places.outcome) |
  ((protocolCodes.get(protocol) ?? 0) << places.protocol) |
  ((reasonCodes.get(reason) ?? 0) << places.reason) |
  ((remote === undefined ? 0 : remote ? 2 : 1) << places.remote);

export const createPacker = (): Packer => {
  const words = new Uint32Array(eventsMax * wordsPerEvent);
  const floats = new Float64Array(eventsMax * floatsPerEvent);
  let pieces: string[] = [];
  let word = 0;
  let float = 0;
  let size = 0;
  let fields = 0;

  const put = (field: number, value: string | undefined): void => {
    if (value === undefined) return;
    fields |= field;
    pieces.push(value);
    words[word++] = value.length;
  };

  const putNumber = (field: number, value: number | undefined): void => {
    if (value === undefined) return;
    fields |= field;
    floats[float++] = value;
  };

  return {
    size: () => size,
    add: (event) => {
      const at = word;
      words[at] = namesOf(event);
      word = at + 2;
      fields = 0;
      floats[float++] = event.time;
      put(has.client, event.client);
      put(has.account, event.account);
      put(has.sender, event.sender);
      put(has.recipient, event.recipient);
      put(has.queueId, event.queueId);
      put(has.helo, event.helo);
      put(has.user, event.user);
      put(has.origin, event.origin);
      put(has.dsn, event.dsn);
      put(has.password, event.password);
      putNumber(has.count, event.count);
      putNumber(has.size, event.size);
      words[at + 1] = fields;
      size++;
    },
    take: () => {
      const batch = { text: pieces.join(''), words: words.slice(0, word), floats: floats.slice(0, float) };
      pieces = [];
      word = 0;
      float = 0;
      size = 0;
      return batch;
    },
  };
};

type Names = Pick<Event, 'kind' | 'server' | 'outcome' | 'protocol' | 'reason' | 'remote'>;

const nameAt = <Name extends string>(
  names: readonly Name[],
  word: number,
  place: number,
  bits: number,
): Name | undefined => names[((word >>> place) & ((1 << bits) - 1)) - 1];

const namesAt = (word: number): Names => ({
  kind: nameAt(eventKinds, word, places.kind, 5) ?? 'other',
  server: nameAt(serverNames, word, places.server, 3) ?? serverNames[0],
  outcome: nameAt(outcomes, word, places.outcome, 5),
  protocol: nameAt(protocols, word, places.protocol, 4),
  reason: nameAt(reasons, word, places.reason, 7),
  remote: [undefined, false, true][word >>> places.remote],
});

/** Names that occurred together: as many as there are forms of lines. */
const knownNames = new Map<number, Names>();
const knownNamesMax = 4096;

const namesOfWord = (word: number): Names => {
  let names = knownNames.get(word);
  if (names !== undefined) return names;
  names = namesAt(word);
  if (knownNames.size < knownNamesMax) knownNames.set(word, names);
  return names;
};

/** Addresses met lately, by their last characters: one that comes often has one text, which is hashed once. */
const knownBits = 14;
const charsHashed = 6;
const knownClients: string[] = Array.from({ length: 2 ** knownBits }, () => '');

const knownClient = (client: string): string => {
  let hash = client.length;
  for (let at = Math.max(0, hash - charsHashed); at < client.length; at++)
    hash = Math.imul(hash, 31) + client.charCodeAt(at);
  const slot = Math.imul(hash, 0x9e3779b1) >>> (32 - knownBits);
  const known = knownClients[slot];
  return known === client ? known : (knownClients[slot] = keep(client));
};

/** Tells the events of a batch as they were told, but for session and text. */
export const unpack = ({ text, words, floats }: Batch, tell: Tell): void => {
  let word = 0;
  let float = 0;
  let at = 0;
  let fields = 0;

  const piece = (field: number): string | undefined => {
    if ((fields & field) === 0) return undefined;
    const from = at;
    at += words[word++] ?? 0;
    return text.slice(from, at);
  };
  const numberOf = (field: number): number | undefined => ((fields & field) === 0 ? undefined : floats[float++]);

  while (word < words.length) {
    const names = namesOfWord(words[word++] ?? 0);
    fields = words[word++] ?? 0;
    const event = draftEvent(floats[float++] ?? 0, names.server, names.kind);
    event.outcome = names.outcome;
    event.protocol = names.protocol;
    event.reason = names.reason;
    event.remote = names.remote;
    const client = piece(has.client);
    if (client !== undefined) event.client = knownClient(client);
    event.account = piece(has.account);
    event.sender = piece(has.sender);
    event.recipient = piece(has.recipient);
    event.queueId = piece(has.queueId);
    event.helo = piece(has.helo);
    event.user = piece(has.user);
    event.origin = piece(has.origin);
    event.dsn = piece(has.dsn);
    event.password = piece(has.password);
    event.count = numberOf(has.count);
    event.size = numberOf(has.size);
    tell(event);
  }
};
