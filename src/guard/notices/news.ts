/** What the guard says while it runs. */
import type { IncidentChange } from '../../judge/incidents.ts';
import type { Place } from '../proving/place.ts';
import type { Turn } from '../proving/turns.ts';

export type ActionNews = {
  readonly kind: 'action';
  readonly text: string;
  readonly incident: string | undefined;
  /** Nothing was done: it observes. */
  readonly isOnlyNote?: boolean;
};

/** A server asks, does not ask any more, or asks again. */
export type ProofNews = {
  readonly kind: 'proof';
  readonly turn: Turn;
  /** Of one server, by one hook. */
  readonly places: readonly Place[];
  readonly text: string;
};

export type GuardNews =
  | ProofNews
  | { readonly kind: 'incident'; readonly change: IncidentChange }
  | ActionNews
  | { readonly kind: 'problem'; readonly text: string };
