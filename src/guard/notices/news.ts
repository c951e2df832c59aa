/** What the guard says while it runs. */
import type { IncidentChange } from '../../judge/incidents.ts';

export type ActionNews = {
  readonly kind: 'action';
  readonly text: string;
  readonly incident: string | undefined;
  /** Nothing was done: it observes. */
  readonly isOnlyNote?: boolean;
};

export type GuardNews =
  | { readonly kind: 'incident'; readonly change: IncidentChange }
  | ActionNews
  | { readonly kind: 'problem'; readonly text: string };
