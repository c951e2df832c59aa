/** News of a mail server that nobody waits for: it convicts nobody. All else is evidence, and goes ahead of it. */
import type { Event } from '../model/event.ts';

const goodOutcomes: ReadonlySet<Event['outcome']> = new Set([undefined, 'accepted', 'success']);

export const isGoodNews = ({ kind, outcome }: Pick<Event, 'kind' | 'outcome'>): boolean =>
  goodOutcomes.has(outcome) && kind !== 'early-talk';
