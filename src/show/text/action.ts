/** One action as a line. */
import type { Receipt } from '../../model/receipt.ts';
import { plain } from './plain.ts';
import { localTime } from './time.ts';

export const actionLine = ({ id, kind, subject, state, made, until, who, why }: Receipt): string =>
  [
    `${localTime(made)}  ${id}  ${state.padEnd(9)} ${kind} ${plain(subject)}`,
    until === undefined ? '' : `, until ${localTime(until)}`,
    `  (${plain(who)}${why === '' ? '' : `: ${plain(why)}`})`,
  ].join('');
