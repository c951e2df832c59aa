/** D12: clients that do not speak SMTP as servers do. One-shot terms, each kind once an hour and client (DETECTION B.13). */
import type { JudgedEvent, Reason } from '../../model/event.ts';
import type { RatioLimits } from '../statistics/ratio-test.ts';
import { exceeds } from '../statistics/rate.ts';
import type { Bench, Detector, Facts } from './detector.ts';
import { serverAim } from './detector.ts';
import { tags } from './tags.ts';

const natsEarlyTalk = 2.2;
const natsOf = new Map<Reason, number>([
  ['non-smtp', 6],
  ['bare-newline', 3],
  ['pipelining', 3],
  ['too-many-errors', 3],
  ['unknown-command', 3],
  ['nonmail', 2],
  ['syntax', 2],
  ['helo', 1],
]);
const limits: RatioLimits = { floor: 0, floorEstablished: 0 };
const accuseFrom = 6;
/** Each kind once in a while: a client that is broken in one way is broken in every session. */
const repeats = { perHour: 6, burst: 1 };

const termOf = (event: JudgedEvent): number => {
  if (event.kind === 'early-talk') return natsEarlyTalk;
  return event.reason === undefined ? 0 : (natsOf.get(event.reason) ?? 0);
};

const observe = (facts: Facts, bench: Bench): void => {
  const { event, prefix, seconds } = facts;
  if (prefix === undefined) return;
  const nats = termOf(event);
  if (nats === 0) return;
  bench.note(facts, {
    attack: 'protocol-abuse',
    target: serverAim(event),
    actor: { kind: 'client', value: prefix },
    detail: undefined,
    count: 'protocolErrors',
    events: event.count ?? 1,
  });
  const kind = event.kind === 'early-talk' ? 'early-talk' : (event.reason ?? '');
  if (exceeds(bench.table, tags.protocolKind, `${prefix} ${kind}`, seconds, repeats)) return;
  const words = kind === 'early-talk' ? 'talked before the greeting' : kind;
  const score = bench.weigh(facts, {
    detector: 'protocol-abuse',
    tag: tags.protocol,
    subject: prefix,
    nats,
    limits,
    words,
  });
  if (score < accuseFrom) return;
  bench.accuse(facts, {
    detector: 'protocol-abuse',
    attack: 'protocol-abuse',
    target: serverAim(event),
    actor: { kind: 'client', value: prefix },
    crowd: false,
    why: `${prefix} does not keep to the protocol: ${words} (score ${score.toFixed(1)} of ${accuseFrom})`,
  });
};

export const protocolAbuse: Detector = {
  name: 'protocol-abuse',
  attack: 'protocol-abuse',
  sentence: 'clients that talk early, send unknown commands or other protocols',
  listensTo: ['early-talk', 'command-error', 'helo'],
  observe,
};
