/**
 * D15: the same campaign again. An incident is remembered by what its attacker did not change: the networks, and the
 * names it asked for, its habits. A later incident of the same attack that shares enough of the first two (DETECTION
 * B.16: Jaccard of the networks .3; a common word list shows as half of the most frequent names), or says the same at
 * every door within a month, is the same campaign.
 */
import { networkOf } from '../../model/address.ts';
import type { AttackName } from '../../model/attack.ts';
import type { Evidence } from './evidence.ts';
import { isTelling } from './habit.ts';

const rememberedMax = 1000;
const networksMax = 512;
const namesMax = 64;
const networksAlike = 0.3;
const namesAlike = 0.5;
/** Fewer shared names than this may be chance: everybody tries `info`. */
const sharedNamesMin = 5;
const habitShare = 0.5;
/** Another month, another program of that name. */
const habitMs = 30 * 86_400_000;

type Signature = {
  readonly id: string;
  readonly attack: AttackName;
  readonly networks: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
  /** What half of its events say, and few others do. */
  readonly habits: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  readonly last: number;
};

const jaccard = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => {
  let shared = 0;
  for (const item of a) if (b.has(item)) shared++;
  return shared === 0 ? 0 : shared / (a.size + b.size - shared);
};

const localPart = (name: string): string => (name.includes('@') ? name.slice(0, name.lastIndexOf('@')) : name);

const signatureOf = (evidence: Evidence): Signature => {
  const networks = new Set<string>();
  for (const { kind, value } of evidence.actors.values()) {
    if (kind === 'client') networks.add(networkOf(value.replace('/64', '')));
    if (networks.size >= networksMax) break;
  }
  const frequent = [...evidence.details.values()].toSorted((a, b) => b.events - a.events).slice(0, namesMax);
  return {
    id: evidence.campaign ?? evidence.id,
    attack: evidence.attack,
    networks,
    names: new Set(frequent.map(({ aim }) => localPart(aim.value))),
    habits: new Set(
      [...evidence.habits]
        .filter(([habit, events]) => events >= habitShare * evidence.events && isTelling(habit))
        .map(([habit]) => habit),
    ),
    last: evidence.last,
  };
};

const isAlike = (a: Signature, b: Signature): boolean => {
  if (a.attack !== b.attack) return false;
  const isNear = Math.abs(a.last - b.last) <= habitMs;
  if (isNear && [...a.habits].some((habit) => b.habits.has(habit))) return true;
  if (a.networks.size > 0 && jaccard(a.networks, b.networks) >= networksAlike) return true;
  let shared = 0;
  for (const name of a.names) if (b.names.has(name)) shared++;
  return shared >= sharedNamesMin && shared / Math.min(a.names.size, b.names.size) >= namesAlike;
};

export type Campaigns = {
  /** Id of the earlier incident that behaved alike. */
  readonly find: (evidence: Evidence) => string | undefined;
  readonly remember: (evidence: Evidence) => void;
};

export const createCampaigns = (): Campaigns => {
  let remembered: Signature[] = [];
  return {
    find: (evidence) => {
      const signature = signatureOf(evidence);
      return remembered.findLast((earlier) => isAlike(signature, earlier))?.id;
    },
    remember: (evidence) => {
      remembered = [...remembered.slice(-(rememberedMax - 1)), signatureOf(evidence)];
    },
  };
};
