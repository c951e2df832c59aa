/**
 * Who was put off, and came back: after a while during a campaign that is a mail server with a queue, not a one-shot guesser.
 *
 *   word 5  first put off lately, seconds since 1970
 */
import type { JudgedEvent } from '../../model/event.ts';
import { tags } from '../detectors/tags.ts';
import { shapes } from '../statistics/table.ts';
import type { Table } from '../statistics/table.ts';

const retryAfterSeconds = 300;
/** Who was put off longer ago than this has given up. */
const deferralSeconds = 5 * 86_400;

/** At RCPT, where a recipient is hidden, or at MAIL; a domain of the sender that the server could not find is no put-off. */
export const isPutOff = ({ kind, outcome, reason }: JudgedEvent): boolean =>
  outcome === 'deferred' && (kind === 'recipient' || kind === 'sender') && reason !== 'dns';

export const rememberPutOff = (table: Table, network: string, seconds: number): void => {
  const at = table.place(tags.deferredOnce, network, shapes.plain, seconds);
  if (at < 0) return;
  const isNew = (table.words[at + 5] ?? 0) === 0 || seconds - (table.words[at + 2] ?? 0) > deferralSeconds;
  if (isNew) table.words[at + 5] = seconds;
  table.words[at + 2] = seconds;
};

export const hasComeBack = (table: Table, network: string, seconds: number): boolean => {
  const at = table.find(tags.deferredOnce, network);
  if (at < 0 || seconds - (table.words[at + 2] ?? 0) > deferralSeconds) return false;
  return seconds - (table.words[at + 5] ?? seconds) >= retryAfterSeconds;
};
