/** Every mailbox that the configured sources know, once each, and what could not be read. */
import { Fault, errorWords } from '../../model/fault.ts';
import { mailboxesMax, shareUsedOf } from '../../model/mailbox.ts';
import type { Mailbox } from '../../model/mailbox.ts';
import type { CarryOut, Ran } from '../../model/verb.ts';
import { runListing } from '../../sense/mailboxes/listing.ts';
import type { Mailboxes } from '../../sense/mailboxes/read.ts';
import { graceBytesOf, readDoveadmQuota, readDoveadmUsers, saysNoPlugin } from '../../servers/quota/doveadm.ts';
import type { DovecotQuotas } from '../../servers/quota/doveadm.ts';
import type { QuotaSource } from '../../servers/quota/source.ts';
import { readInThread } from './files.ts';

const doveadmMsMax = 120_000;

/** Dovecot 2.3's name, and 2.4's. */
const graceSettings = ['plugin/quota_grace', 'quota_storage_grace'];

/** '' when it is not set, or cannot be read. */
const readGrace = async (carryOut: CarryOut): Promise<string> => {
  for (const name of graceSettings) {
    const ran = await carryOut({ verb: 'run', program: 'doveconf', args: ['-h', name] }).catch(() => undefined);
    if (ran?.status === 0 && ran.stdout.trim() !== '') return ran.stdout;
  }
  return '';
};

const nothingLimited: DovecotQuotas = { mailboxes: [], unknown: [] };

const readDovecot = async (carryOut: CarryOut): Promise<Mailboxes> => {
  const run = (args: readonly string[]): Promise<Ran> =>
    carryOut({ verb: 'run', program: 'doveadm', args, timeoutMs: doveadmMsMax });
  const ran = await run(['-f', 'tab', 'quota', 'get', '-A']);
  const read = readDoveadmQuota(ran.stdout) ?? (saysNoPlugin(ran.stderr) ? nothingLimited : undefined);
  const users = readDoveadmUsers((await run(['user', '*'])).stdout);
  if (read === undefined || (read === nothingLimited && users.length === 0))
    throw new Fault(
      'INPUT_UNREADABLE',
      `doveadm quota get -A: ${ran.stderr.trim().slice(0, 300)} (it needs mail_plugins = quota, and a userdb that can be listed: doveadm user '*')`,
    );
  const grace = await readGrace(carryOut);
  const told = new Set([...read.mailboxes.map(({ address }) => address), ...read.unknown]);
  const without = users.filter((address) => !told.has(address));
  return {
    mailboxes: [
      ...read.mailboxes.map((mailbox) => ({ ...mailbox, graceBytes: graceBytesOf(grace, mailbox.bytesMax ?? 0) })),
      ...without.map((address) => ({
        address,
        usedBytes: undefined,
        bytesMax: undefined,
        messages: undefined,
        messagesMax: undefined,
      })),
    ],
    unknown: read.unknown.map((address) => `${address}: Dovecot cannot say`),
  };
};

const readSource = (source: QuotaSource, carryOut: CarryOut, signal?: AbortSignal): Promise<Mailboxes> => {
  switch (source.kind) {
    case 'dovecot':
      return readDovecot(carryOut);
    case 'maildir':
    case 'mbox':
      return readInThread(source, signal);
    case 'command':
      return runListing(source.path, signal);
    case 'quota-status':
      // It is asked about one mailbox at a time, and lists none.
      return Promise.resolve({ mailboxes: [], unknown: [] });
  }
};

/** `complete`: no source failed. */
export type ReadQuotas = Mailboxes & { readonly complete: boolean };

/** Of two that tell of one mailbox the one that is nearer to its limit holds. A source that fails is told in `unknown`. */
export const readQuotas = async (
  sources: readonly QuotaSource[],
  carryOut: CarryOut,
  signal?: AbortSignal,
): Promise<ReadQuotas> => {
  const mailboxes = new Map<string, Mailbox>();
  const unknown: string[] = [];
  let complete = true;
  for (const source of sources)
    try {
      const read = await readSource(source, carryOut, signal);
      unknown.push(...read.unknown);
      if (read.mailboxes.length === 0 && source.kind !== 'quota-status')
        unknown.push(`${source.kind}: no mailbox is there`);
      for (const mailbox of read.mailboxes) {
        const before = mailboxes.get(mailbox.address);
        if (before === undefined && mailboxes.size >= mailboxesMax) break;
        if (before === undefined || (shareUsedOf(mailbox) ?? -1) > (shareUsedOf(before) ?? -1))
          mailboxes.set(mailbox.address, mailbox);
      }
    } catch (error) {
      complete = false;
      unknown.push(`${source.kind}: ${errorWords(error)}`);
    }
  return { mailboxes: [...mailboxes.values()], unknown, complete };
};
