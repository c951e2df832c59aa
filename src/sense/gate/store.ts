/**
 * The embedded store: a Maildir a mailbox (cr.yp.to/proto/maildir.html), so that a gate without a server behind it can
 * be tried at once. A message is written to `tmp`, made durable, and linked into each recipient's `new`; only then is it
 * accepted.
 */
import { randomBytes } from 'node:crypto';
import type { Buffer } from 'node:buffer';
import { link, lstat, mkdir, open, readdir, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { overQuotaLater, overQuotaReply } from '../../model/mailbox.ts';
import { reply } from '../../protocols/smtp/reply.ts';
import type { SmtpReply } from '../../protocols/smtp/reply.ts';
import type { Addressed, Destination, Link, Peer } from './destination.ts';
import { fill, roomIn } from './store-quota.ts';

export type StoreSettings = {
  readonly directory: string;
  readonly domains: ReadonlySet<string>;
  /** Local parts, lower case; the part behind `+` does not count (RFC 5233). */
  readonly mailboxes: ReadonlySet<string>;
  readonly messageBytesMax: number;
  /** What a mailbox may hold; the last message may go beyond. 0: no limit. */
  readonly mailboxBytesMax: number;
  /** 452 for a full mailbox, instead of 552. */
  readonly defersOverQuota: boolean;
};

const unknown = reply(550, '5.1.1 No such mailbox here');
const noRelay = reply(554, '5.7.1 Relay access denied');
const noAuth = reply(502, '5.5.1 There are no accounts here');
const tooLarge = reply(552, '5.3.4 The message is too large');
const noSpace = reply(451, '4.3.0 The message could not be stored, please try again');
const goAhead = reply(354, 'End data with <CR><LF>.<CR><LF>');

/** A mailbox is a folder below the store; names with anything else than these do not exist here. */
const folderName = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** What a crash left half written; nobody reads a message there, and none is under way for so long (cr.yp.to/proto/maildir.html). */
const staleMs = 36 * 3_600_000;
const sweep = async (tmp: string): Promise<void> => {
  for (const name of await readdir(tmp).catch(() => [])) {
    const path = join(tmp, name);
    const facts = await lstat(path).catch(() => undefined);
    if (facts !== undefined && Date.now() - facts.mtimeMs > staleMs) await unlink(path).catch(() => undefined);
  }
};

const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

/** A folder that is new is durable when those above it know of it. */
const makeFolder = async (path: string): Promise<void> => {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let at = path; at.length >= first.length; at = dirname(at)) await syncFolder(dirname(at));
};

let delivered = 0;
const uniqueName = (): string =>
  `${Math.floor(Date.now() / 1000)}.P${process.pid}Q${++delivered}R${randomBytes(6).toString('hex')}.${hostname().replaceAll(/[/:]/g, '_')}`;

/** A mailbox that cannot be counted has room: what is wrong with the disk the message itself finds out. */
const overQuotaIn = async (
  { mailboxBytesMax, defersOverQuota }: StoreSettings,
  folder: string,
  promised: number,
): Promise<SmtpReply | undefined> => {
  if (mailboxBytesMax === 0) return undefined;
  const room = await roomIn(folder, mailboxBytesMax).catch(() => Infinity);
  if (room > 0 && promised <= room) return undefined;
  const { code, enhanced, text } = defersOverQuota ? overQuotaLater(room <= 0) : overQuotaReply(room <= 0);
  return reply(Number(code), `${enhanced} ${text}`);
};

// oxlint-disable-next-line max-lines-per-function -- a closure over one transaction; each function in it is short
const createLink = (settings: StoreSettings, peer: Peer): Link => {
  const { directory, domains, mailboxes, messageBytesMax, mailboxBytesMax } = settings;
  let sender = '';
  let promised = 0;
  let folders = new Set<string>();
  let file: { readonly handle: FileHandle; readonly path: string; readonly name: string } | undefined;
  let size = 0;

  const drop = async (): Promise<void> => {
    const dropped = file;
    file = undefined;
    size = 0;
    if (dropped === undefined) return;
    await dropped.handle.close().catch(() => undefined);
    await unlink(dropped.path).catch(() => undefined);
  };

  const store = async (): Promise<SmtpReply> => {
    if (file === undefined || size > messageBytesMax) return tooLarge;
    const { handle, path, name } = file;
    await handle.sync();
    for (const folder of folders) {
      for (const part of ['new', 'cur', 'tmp']) await makeFolder(join(folder, part));
      await link(path, join(folder, 'new', name));
      await syncFolder(join(folder, 'new'));
      if (mailboxBytesMax > 0) await fill(folder, size);
    }
    return reply(250, `2.0.0 Stored as ${name}`);
  };

  const rcpt = async ({ path }: Addressed): Promise<SmtpReply> => {
    const at = path.lastIndexOf('@');
    const domain = at < 0 ? 'localhost' : path.slice(at + 1).toLowerCase();
    const local = (at < 0 ? path : path.slice(0, at)).toLowerCase().split('+', 1)[0] ?? '';
    if (!domains.has(domain)) return noRelay;
    if (!mailboxes.has(local) || !folderName.test(local) || !folderName.test(domain)) return unknown;
    const folder = join(directory, domain, local);
    const full = await overQuotaIn(settings, folder, promised);
    if (full !== undefined) return full;
    folders.add(folder);
    return reply(250, '2.1.5 Ok');
  };

  return {
    auth: () => Promise.resolve(noAuth),
    begin: async (mail, recipient) => {
      sender = mail.path;
      folders = new Set();
      promised = Number(mail.parameters.get('SIZE') ?? 0);
      if (promised > messageBytesMax) return { heard: tooLarge, begun: false };
      return { heard: await rcpt(recipient), begun: true };
    },
    rcpt,
    data: async () => {
      const tmp = join(directory, 'tmp');
      await mkdir(tmp, { recursive: true, mode: 0o700 });
      const name = uniqueName();
      const path = join(tmp, name);
      file = { handle: await open(path, 'wx', 0o600), path, name };
      size = 0;
      const protocol = `${peer.esmtp ? 'ESMTP' : 'SMTP'}${peer.tls ? 'S' : ''}`;
      await file.handle.appendFile(
        `Return-Path: <${sender}>\r\nReceived: from ${peer.helo} ([${peer.address}]) by ${hostname()} (Postern) with ${protocol};\r\n\t${new Date().toUTCString()}\r\n`,
        'latin1',
      );
      return goAhead;
    },
    content: async (bytes: Buffer) => {
      size += bytes.length;
      // All of it, or it fails: a disk that is nearly full takes a part.
      if (size <= messageBytesMax) await file?.handle.appendFile(bytes);
    },
    finish: async () => {
      try {
        return await store();
      } catch {
        return noSpace;
      } finally {
        await drop();
        folders = new Set();
      }
    },
    abort: () => void drop(),
    reset: () => {
      folders = new Set();
      return Promise.resolve();
    },
    close: () => void drop(),
  };
};

export const createStore = (settings: StoreSettings): Destination => {
  void sweep(join(settings.directory, 'tmp'));
  const keywords = [`SIZE ${settings.messageBytesMax}`, '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'];
  return {
    keywords: () => Promise.resolve(keywords),
    open: (peer) => Promise.resolve(createLink(settings, peer)),
    stop: () => Promise.resolve(),
  };
};
