/** From what was known of a place and what is seen now: what is known then, and whether that is a turning point to tell. */
import type { Kept, Look, Place } from './place.ts';

/** `proven`: for the first time. */
export type Turn = 'proven' | 'lost' | 'mended';

const isHealed = (before: Kept, look: Look): boolean => look.state === 'proven' || (before.isByMail && look.isByMail);

/** What is lost stays so until it is seen well again: a server that is down, or refuses us, tells nothing. */
export const turnOf = (
  before: Kept | undefined,
  place: Place & Pick<Kept, 'isSetUp'>,
  look: Look,
  now: number,
): { readonly kept: Kept; readonly turn: Turn | undefined } => {
  const wasLost = before?.state === 'wrong';
  if (wasLost && look.state !== 'wrong' && !isHealed(before, look))
    return { kept: { ...before, isSetUp: place.isSetUp, lookedAt: now }, turn: undefined };
  const since = before?.state === look.state ? before.since : now;
  const { server, host, port, hook, isSetUp } = place;
  const { state, words, isByMail } = look;
  const kept: Kept = { server, host, port, hook, isSetUp, state, words, isByMail, since, lookedAt: now };
  if (look.state === 'wrong') return { kept, turn: wasLost ? undefined : 'lost' };
  if (wasLost) return { kept, turn: 'mended' };
  return { kept, turn: look.state === 'proven' && before === undefined ? 'proven' : undefined };
};
