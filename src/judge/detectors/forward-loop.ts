/**
 * Two forwards that send to each other, here and at another host: every message for one of them goes round until a server
 * counts too many hops. The log tells of a message that came back again and again from where it was sent on (`reason`
 * loop); one such message is proof, for a stranger cannot send from there.
 */
import type { Bench, Detector, Facts } from './detector.ts';

const observe = (facts: Facts, bench: Bench): void => {
  const { reason, origin, recipient } = facts.event;
  if (reason !== 'loop' || origin === undefined) return;
  const value = origin.toLowerCase();
  const actor = { kind: 'user', value } as const;
  const isHere = recipient?.toLowerCase() === value;
  const target = { kind: 'account', value } as const;
  bench.note(facts, {
    attack: 'outbound-flood',
    target,
    actor,
    detail: undefined,
    count: isHere ? 'aliasLoops' : 'loopReturns',
    events: 1,
  });
  bench.accuse(facts, {
    detector: 'forward-loop',
    attack: 'outbound-flood',
    target,
    actor,
    crowd: false,
    why: isHere
      ? `an alias loop: ${value} and another alias here name each other, so its mail is refused (postern forwards names them)`
      : `a forward loop: mail for ${value} is sent on to ${recipient ?? 'another server'}, which sends it back again and again`,
  });
};

export const forwardLoop: Detector = {
  name: 'forward-loop',
  attack: 'outbound-flood',
  sentence: 'a forward of ours and one elsewhere send to each other',
  listensTo: ['message'],
  observe,
};
