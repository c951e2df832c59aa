/** One action as a line. */
import type { Receipt } from '../../model/receipt.ts';
import { plain } from './plain.ts';
import { localTime } from './time.ts';

/** It takes itself back unless somebody says yes. */
const waitsForYes = ({ memory, state }: Receipt): boolean =>
  state === 'done' && typeof memory === 'object' && memory !== null && 'confirmBy' in memory;

/** Its end is past, whatever was planned. */
const isOver: ReadonlySet<Receipt['state']> = new Set(['undone', 'failed']);

export const actionLine = (receipt: Receipt): string => {
  const { id, kind, subject, state, made, until, who, why } = receipt;
  return [
    `${localTime(made)}  ${id}  ${state.padEnd(9)} ${kind} ${plain(subject)}`,
    until === undefined || isOver.has(state) ? '' : `, until ${localTime(until)}`,
    waitsForYes(receipt) ? ` unless confirmed: postern accept ${id}` : '',
    `  (${plain(who)}${why === '' ? '' : `: ${plain(why)}`})`,
  ].join('');
};
