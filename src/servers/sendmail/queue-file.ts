/**
 * Sendmail's qf file (Sendmail Installation and Operation Guide, appendix B): a code letter and its value a line, headers
 * may go on after a tab or blank, a line with a dot ends it. hf is a quarantined one, Qf one that Sendmail gave up as lost.
 * The login of an authenticated client is not in it: only the log knows (`AUTH=server, … authid=`).
 */
import { canonicalAddress } from '../../model/address.ts';
import { noteHeader, recipientsKeptMax } from '../../model/queue/message.ts';
import type { OriginHeaders, QueueName, QueuedRecipient, ReadMessage } from '../../model/queue/message.ts';
import { withoutBrackets } from '../path.ts';

/** Of a longer file the rest is not looked at. */
export const envelopeFileBytesMax = 4 * 1024 * 1024;
const versionMax = 8;

/** What the first letters of a queue file's name say. */
export const queueOfPrefix: ReadonlyMap<string, QueueName> = new Map([
  ['qf', 'queued'],
  ['hf', 'quarantined'],
  ['Qf', 'lost'],
]);

type Draft = {
  arrived: number | undefined;
  sender: string | undefined;
  host: string | undefined;
  /** The address of ours that the client spoke to; none is told of loopback. */
  spokenTo: string | undefined;
  helo: string | undefined;
  status: string | undefined;
  user: string | undefined;
  uid: number | undefined;
  recipientCount: number;
  readonly recipients: QueuedRecipient[];
  readonly headers: OriginHeaders;
};

/** `PFD:<bob@example.org>`: flags, a colon, the address. Without flags there may be no colon. */
const recipientIn = (value: string): string => withoutBrackets(/^[A-Z]*:(.*)$/.exec(value)?.[1] ?? value);

/** `h.clients.test [203.0.113.7]`, `[203.0.113.7]`, `www-data@localhost` */
const clientIn = (host: string | undefined): string | undefined => {
  const open = host?.lastIndexOf('[') ?? -1;
  if (host === undefined || open < 0) return undefined;
  return canonicalAddress(host.slice(open + 1, host.indexOf(']', open)));
};

/**
 * Handed in on this machine, if only through its own port. In a message from elsewhere the header that names a user is its
 * sender's, and a C line names whose .forward it goes through.
 */
const isOurs = (client: string | undefined, { spokenTo }: Draft): boolean =>
  client === undefined || client === spokenTo || client.startsWith('127.') || client === '::1';

const noteRecipient = (draft: Draft, value: string): void => {
  draft.recipientCount++;
  if (draft.recipients.length < recipientsKeptMax)
    draft.recipients.push({ address: recipientIn(value), reason: draft.status });
};

/** The submission program adds it when a script names another sender (`-f`). */
const warning = /^X-Authentication-Warning: \S+ (\S+) set sender to /;

const noteHeaderLine = (draft: Draft, value: string): void => {
  const header = value.startsWith('?') ? value.slice(value.indexOf('?', 1) + 1) : value;
  noteHeader(draft.headers, header);
  if (header.startsWith('X-Auth')) draft.user ??= warning.exec(header)?.[1];
};

const noteOf = new Map<string, (draft: Draft, value: string) => void>([
  ['T', (draft, value) => void (draft.arrived = /^\d{1,12}$/.test(value) ? Number(value) * 1000 : undefined)],
  ['S', (draft, value) => void (draft.sender = withoutBrackets(value))],
  ['M', (draft, value) => void (draft.status = value)],
  ['R', noteRecipient],
  ['H', noteHeaderLine],
  [
    '$',
    (draft, value) => {
      if (value.startsWith('_')) draft.host = value.slice(1);
      else if (value.startsWith('s')) draft.helo = value.slice(1);
      else if (value.startsWith('{if_addr}')) draft.spokenTo = canonicalAddress(value.slice('{if_addr}'.length));
    },
  ],
  [
    'C',
    (draft, value) => {
      const [user, uid] = value.split(':');
      if (user !== undefined && user !== '') draft.user ??= user;
      if (uid !== undefined && /^\d{1,10}$/.test(uid)) draft.uid ??= Number(uid);
    },
  ],
]);

const emptyDraft = (): Draft => ({
  arrived: undefined,
  sender: undefined,
  host: undefined,
  spokenTo: undefined,
  helo: undefined,
  status: undefined,
  user: undefined,
  uid: undefined,
  recipientCount: 0,
  recipients: [],
  headers: { script: undefined, subject: undefined },
});

const damaged = (why: string): ReadMessage => ({ kind: 'damaged', why });

export type SendmailFile = {
  readonly id: string;
  readonly queue: QueueName;
  readonly path: string;
  /** Bytes of the df file; undefined when it is not there. */
  readonly dataFileBytes: number | undefined;
};

/** @returns why it is none, or undefined */
const readLines = (text: string, draft: Draft): string | undefined => {
  for (let at = 0, end = 0; (end = text.indexOf('\n', at)) >= 0; at = end + 1) {
    const line = text.slice(at, end);
    if (at === 0 && !(line.startsWith('V') && Number(line.slice(1)) <= versionMax))
      return 'its first line is no version of a queue file';
    if (line === '.') return undefined;
    noteOf.get(line[0] ?? '')?.(draft, line.slice(1));
  }
  return text.length < envelopeFileBytesMax ? 'no line with a dot ends it' : undefined;
};

export const readEnvelopeFile = (text: string, file: SendmailFile): ReadMessage => {
  const draft = emptyDraft();
  const why = readLines(text, draft);
  if (why !== undefined) return damaged(why);
  const { arrived, sender, host, status, helo, headers } = draft;
  if (arrived === undefined || sender === undefined) return damaged('it has no arrival time or sender');
  const client = clientIn(host);
  const { user, uid } = isOurs(client, draft) ? draft : emptyDraft();
  return {
    kind: 'message',
    message: {
      server: 'sendmail',
      id: file.id,
      queue: file.queue,
      path: file.path,
      arrived,
      sizeBytes: file.dataFileBytes === undefined ? undefined : file.dataFileBytes + text.length,
      sender,
      recipients: draft.recipients.map((each) => ({ ...each, reason: each.reason ?? status })),
      recipientCount: draft.recipientCount,
      deliveredCount: 0,
      client,
      helo,
      account: undefined,
      user: user ?? /^([^@[\] ]+)@localhost$/.exec(host ?? '')?.[1],
      uid,
      ...headers,
    },
  };
};
