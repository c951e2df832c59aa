/** The two ports of the middle. A fact expects no answer; a question expects one, from memory, never from the network. */
import type { Event } from './event.ts';
import type { Question } from './question.ts';
import type { Verdict } from './verdict.ts';

export type Tell = (event: Event) => void;
export type Ask = (question: Question) => Verdict;
