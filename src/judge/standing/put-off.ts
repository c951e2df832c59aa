/**
 * Who was put off, and came back: after a while during a campaign that is a mail server with a queue, not a one-shot guesser.
 *
 *   word 5  first put off lately, seconds since 1970
 */
import type { Event } from '../../model/event.ts';
import { tags } from '../detectors/tags.ts';
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';

const retryAfterSeconds = 300;
/** Who was put off longer ago than this has given up. */
const deferralSeconds = 5 * 86_400;

/** Where a recipient can be hidden: at RCPT, and of Sendmail's at MAIL. */
export const isPutOff = ({ kind, server, outcome }: Event): boolean =>
  outcome === 'deferred' && (kind === 'recipient' || (kind === 'sender' && server === 'sendmail'));

export const rememberPutOff = (table: Table, network: string, seconds: number): void => {
  const at = table.place(tags.deferredOnce, network, shapes.plain, seconds);
  if (at < 0) return;
  const isNew = (table.words[at + 5] ?? 0) === 0 || seconds - (table.words[at + 2] ?? 0) > deferralSeconds;
  if (isNew) table.words[at + 5] = seconds;
  table.words[at + 2] = seconds;
};

export const hasComeBack = (table: Table, network: string, seconds: number): boolean => {
  const at = table.find(tags.deferredOnce, network);
  return at >= 0 && seconds - (table.words[at + 5] ?? seconds) >= retryAfterSeconds;
};
