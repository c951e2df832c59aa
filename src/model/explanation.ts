/** Why a subject stands as it does: its terms, its history and the incidents it is part of. Times in milliseconds since 1970. */
import type { Incident } from './report.ts';
import type { Standing } from './standing.ts';
import type { Term } from './verdict.ts';

export type HistoryItem = {
  readonly time: number;
  readonly detector: string;
  readonly words: string;
  /** What it added to the score, and the score then. */
  readonly nats: number;
  readonly score: number;
};

export type Explanation = {
  readonly subject: string;
  readonly kind: 'client' | 'account' | 'domain';
  readonly standing: Standing;
  /** Events that named it. */
  readonly events: number;
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly terms: readonly Term[];
  /** The latest ones, oldest first. */
  readonly history: readonly HistoryItem[];
  readonly incidents: readonly Incident[];
};
