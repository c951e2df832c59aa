/**
 * Exim's -H spool file (specification, chapter "Format of spool files"): five fixed lines, options beginning with `-`
 * (`--` when the value is tainted), the tree of addresses that are done with, the recipients, a blank line, the headers.
 * An ACL variable's value has its length before it and may hold anything, newlines included.
 */
import { canonicalAddress } from '../../model/address.ts';
import { noteHeader, recipientsKeptMax } from '../../model/queue/message.ts';
import type { QueuedMessage, QueuedRecipient, ReadMessage } from '../../model/queue/message.ts';

/** More than Exim's own header_maxsize; of a longer file the rest of the headers is not looked at. */
export const headerFileBytesMax = 2 * 1024 * 1024;
const optionsMax = 5000;
const recipientsMax = 1_000_000;
const headersMax = 200;

type Lines = {
  readonly next: () => string | undefined;
  readonly skip: (bytes: number) => void;
  readonly at: () => number;
};

const linesOf = (text: string): Lines => {
  let at = 0;
  return {
    next: () => {
      const end = text.indexOf('\n', at);
      if (end < 0) return undefined;
      const line = text.slice(at, end);
      at = end + 1;
      return line;
    },
    skip: (bytes) => void (at += bytes),
    at: () => at,
  };
};

/** `-host_address [203.0.113.7]:1234`, with one dash or two, after Exim 4.96 perhaps with the kind of quoting in brackets. */
const optionOf = (line: string): readonly [string, string] => {
  let from = line.startsWith('--') ? 2 : 1;
  if (line[from] === '(') from = line.indexOf(')', from) + 1;
  const space = line.indexOf(' ', from);
  return space < 0 ? [line.slice(from), ''] : [line.slice(from, space), line.slice(space + 1)];
};

type Options = ReadonlyMap<string, string>;
const wanted = new Set([
  'auth_id',
  'host_address',
  'helo_name',
  'frozen',
  'manual_thaw',
  'local',
  'received_time_usec',
]);

/** @returns the options and the first line after them; `told` hears each option's name, and where its line begins and ends */
const readOptions = (
  lines: Lines,
  told?: (name: string, from: number, to: number) => void,
): { options: Options; line: string | undefined } => {
  const options = new Map<string, string>();
  let from = lines.at();
  let line = lines.next();
  for (let count = 0; line?.startsWith('-') === true && count < optionsMax; count++) {
    const [name, value] = optionOf(line);
    if (name === 'aclc' || name === 'aclm' || name === 'acl') {
      const length = Number(value.slice(value.lastIndexOf(' ') + 1));
      if (!Number.isSafeInteger(length) || length < 0) return { options, line: undefined };
      lines.skip(length + 1);
    } else if (wanted.has(name)) options.set(name, value);
    told?.(name, from, lines.at());
    from = lines.at();
    line = lines.next();
  }
  return { options, line };
};

/** The tree is written node first: `YN address` has a left and no right subtree. @returns undefined when it is cut */
const readDone = (lines: Lines, first: string | undefined): ReadonlySet<string> | undefined => {
  const done = new Set<string>();
  if (first === 'XX') return done;
  let line = first;
  let open = 1;
  while (open > 0) {
    if (line === undefined || !/^[YN][YN] /.test(line) || done.size > recipientsMax) return undefined;
    done.add(line.slice(3));
    open += (line[0] === 'Y' ? 1 : 0) + (line[1] === 'Y' ? 1 : 0) - 1;
    if (open > 0) line = lines.next();
  }
  return done;
};

const withoutNumbers = (text: string): readonly [string, number] => {
  const [, rest = text, length = '0'] = /^(.*?)(\d+),-?\d+$/.exec(text) ?? [];
  return [rest, Number(length)];
};

/** `user@dom errors@dom 10,-1#1`: what may follow an address is counted from the end, because an address may hold blanks. */
export const recipientOf = (line: string): string => {
  const extra = / \d{1,5},-?\d{1,6}#(\d{1,3})$/.exec(line);
  if (extra === null) return line;
  const flags = Number(extra[1]);
  let text = line.slice(0, line.lastIndexOf('#'));
  for (const bit of [1, 2]) {
    if ((flags & bit) === 0) continue;
    const [rest, length] = withoutNumbers(text);
    text = rest.slice(0, Math.max(0, rest.length - 1 - length)).trimEnd();
  }
  return text;
};

const readRecipients = (
  lines: Lines,
  done: ReadonlySet<string>,
  reasons: ReadonlyMap<string, string>,
): { recipients: QueuedRecipient[]; count: number; delivered: number } | undefined => {
  const total = Number(lines.next());
  if (!Number.isSafeInteger(total) || total < 0 || total > recipientsMax) return undefined;
  const recipients: QueuedRecipient[] = [];
  let delivered = 0;
  for (let at = 0; at < total; at++) {
    const line = lines.next();
    if (line === undefined) return undefined;
    const address = recipientOf(line);
    if (done.has(address)) delivered++;
    else if (recipients.length < recipientsKeptMax) recipients.push({ address, reason: reasons.get(address) });
  }
  return { recipients, count: total - delivered, delivered };
};

/** `037F From: …`: length with the newline, a flag (`*`: no longer part of the message), a blank, the header. */
const readHeaders = (
  text: string,
  from: number,
): { bytes: number; script: string | undefined; subject: string | undefined } => {
  const headers = { script: undefined, subject: undefined };
  let bytes = 0;
  let at = from;
  for (let count = 0; count < headersMax; count++) {
    const digits = /^(\d{3,9})(.) /.exec(text.slice(at, at + 12));
    if (digits === null) break;
    const [prefix, length = '', flag] = digits;
    const start = at + prefix.length;
    at = start + Number(length);
    if (flag === '*') continue;
    bytes += Number(length);
    noteHeader(headers, text.slice(start, Math.min(at, start + 300)).split('\n', 1)[0] ?? '');
  }
  return { bytes, ...headers };
};

const damaged = (why: string): ReadMessage => ({ kind: 'damaged', why });

const arrivalOf = (line: string | undefined, options: Options): number | undefined => {
  const seconds = /^(\d{1,12}) \d+$/.exec(line ?? '')?.[1];
  const fraction = /^\.\d{1,6}$/.exec(options.get('received_time_usec') ?? '')?.[0] ?? '';
  return seconds === undefined ? undefined : Math.floor(Number(`${seconds}${fraction}`) * 1000);
};

/** `[203.0.113.7]:46371` */
const addressIn = (text: string | undefined): string | undefined => {
  const [, inside = ''] = /^\[([^\]]*)\]/.exec(text ?? '') ?? [];
  return canonicalAddress(inside);
};

const fixedLines = 4;
const optionsOf = (text: string, told?: (name: string, from: number, to: number) => void): Options => {
  const lines = linesOf(text);
  for (let count = 0; count < fixedLines; count++) lines.next();
  return readOptions(lines, told).options;
};

/** Somebody let it go by hand before. */
export const isThawed = (text: string): boolean => optionsOf(text).has('manual_thaw');

/** The file as it is when the message is not frozen: freezing puts one line where the mark of a thaw by hand may stand. */
export const thawed = (text: string, wasThawed: boolean): string => {
  let free = text;
  optionsOf(text, (name, from, to) => {
    if (name === 'frozen') free = `${text.slice(0, from)}${wasThawed ? '-manual_thaw\n' : ''}${text.slice(to)}`;
  });
  return free;
};

type Submitter = Pick<QueuedMessage, 'account' | 'user' | 'uid'>;
/** Exim's own bounces are local and carry the Exim user; a local user's auth_id is its login, not an account. */
const submitterOf = (options: Options, sender: string, [, user, uid]: RegExpExecArray): Submitter => {
  if (!options.has('local')) return { account: options.get('auth_id'), user: undefined, uid: undefined };
  return { account: undefined, user: sender === '' ? undefined : user, uid: sender === '' ? undefined : Number(uid) };
};

export type EximFile = {
  readonly id: string;
  readonly path: string;
  /** Bytes of the -D file, its first line included; undefined when it is not there. */
  readonly dataFileBytes: number | undefined;
  readonly reasons: ReadonlyMap<string, string>;
};

/** Where the headers begin; undefined when the envelope is cut. */
export const headersStart = (text: string): number | undefined => {
  const lines = linesOf(text);
  for (let count = 0; count < fixedLines; count++) lines.next();
  const done = readDone(lines, readOptions(lines).line);
  if (done === undefined || readRecipients(lines, done, new Map()) === undefined) return undefined;
  return lines.next() === '' ? lines.at() : undefined;
};

export const readHeaderFile = (text: string, file: EximFile): ReadMessage => {
  const lines = linesOf(text);
  if (lines.next() !== `${file.id}-H`) return damaged('its first line is not its name');
  const submitter = /^(.+) (-?\d+) -?\d+$/.exec(lines.next() ?? '');
  const sender = /^<(.*)>$/.exec(lines.next() ?? '')?.[1];
  const time = lines.next();
  if (submitter === null || sender === undefined) return damaged('it has no submitter or sender');
  const { options, line } = readOptions(lines);
  const arrived = arrivalOf(time, options);
  if (arrived === undefined) return damaged('it has no arrival time');
  const done = readDone(lines, line);
  const list = done === undefined ? undefined : readRecipients(lines, done, file.reasons);
  if (list === undefined) return damaged('its recipients are cut');
  const blank = lines.next();
  if (blank !== '') return damaged('no blank line ends its envelope');
  const { bytes, ...headers } = readHeaders(text, lines.at());
  const dataBytes = file.dataFileBytes;
  // The -D file begins with its own name and a newline.
  const nameBytes = file.id.length + 3;
  return {
    kind: 'message',
    message: {
      server: 'exim',
      id: file.id,
      queue: options.has('frozen') ? 'frozen' : 'queued',
      path: file.path,
      arrived,
      sizeBytes: dataBytes === undefined ? undefined : Math.max(0, dataBytes - nameBytes) + bytes + 1,
      sender,
      recipients: list.recipients,
      recipientCount: list.count,
      deliveredCount: list.delivered,
      client: addressIn(options.get('host_address')),
      helo: options.get('helo_name'),
      ...submitterOf(options, sender, submitter),
      ...headers,
    },
  };
};

const messageLogBytesMax = 256 * 1024;
/** The message's own log: the last `defer` of each address, as `address → why`. */
export const readMessageLog = (text: string): ReadonlyMap<string, string> => {
  const reasons = new Map<string, string>();
  for (const line of text.slice(-messageLogBytesMax).split('\n')) {
    const at = line.indexOf(' defer (');
    const [, , address] = line.slice(0, Math.max(0, at)).split(' ', 3);
    const close = line.indexOf(')', at);
    if (address !== undefined && close > 0) reasons.set(address, line.slice(close + 1).replace(/^[: ]+/, ''));
  }
  return reasons;
};
