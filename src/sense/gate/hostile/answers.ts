/**
 * The answer learns. Some attackers change their address the moment they are sent away and sit happily through slow
 * failures; some leave at the first pause and come back from elsewhere. For each campaign both answers are tried in turn on
 * a few hostile clients, and what brings fewer new addresses after it is kept; every twentieth client tries the other one.
 * A campaign is what was held against the client, the domain it asked for, and how it greets: programs that attack at the same
 * time, and take different answers differently, are seldom written by the same hand.
 */
import { isIP } from 'node:net';
import { prefixOf } from '../../../model/address.ts';
import type { ArmReport, HostileAnswer } from '../../../model/gate-note.ts';
import type { Term } from '../../../model/verdict.ts';

/** So many clients in a row have the same answer before the other one is tried. */
const turn = 5;
const tryOtherEvery = 20;
/** A new address so soon after an answer is put down to it. */
const followMs = 60_000;
const campaignsMax = 1000;
const clientsMax = 10_000;
const habitsMax = 20_000;

type Arm = { clients: number; followed: number; seconds: number };
type Campaign = {
  readonly name: string;
  readonly arms: Readonly<Record<HostileAnswer, Arm>>;
  /** Prefixes that were met. */
  seen: Set<string>;
  answered: number;
  last: { readonly answer: HostileAnswer; readonly time: number } | undefined;
};

export type Answered = {
  readonly answer: HostileAnswer;
  /** Call it when the session is over. @param time milliseconds, on the same clock as at the answer */
  readonly ended: (time: number) => void;
};

export type Answers = {
  /**
   * For one session of a hostile client. @param campaign by `campaignOf` @param time milliseconds
   * @param habit how it greets, if it has; who was met before is known to greet as then
   */
  readonly choose: (campaign: string, client: string, time: number, habit: string | undefined) => Answered;
  /** What each answer has done, campaign by campaign. */
  readonly report: () => readonly ArmReport[];
};

/** @param why what speaks against the client; the heaviest term names the attack */
export const campaignOf = (why: readonly Term[], domain: string): string => {
  const main = why.reduce<Term | undefined>(
    (most, term) => (most === undefined || term.score > most.score ? term : most),
    undefined,
  );
  return `${main?.detector ?? 'hostile'} ${domain}`.trim();
};

/** What stays the same in the greetings of one program, whatever name it makes up. @param own the names of this server */
export const habitOf = (
  helo: string | undefined,
  esmtp: boolean,
  own: (name: string) => boolean,
): string | undefined => {
  if (helo === undefined) return undefined;
  const verb = esmtp ? 'EHLO' : 'HELO';
  if (helo.startsWith('[')) return `${verb} [address]`;
  if (isIP(helo) !== 0) return `${verb} address`;
  if (own(helo.toLowerCase())) return `${verb} our name`;
  return helo.includes('.') ? `${verb} name` : `${verb} word`;
};

const newArm = (): Arm => ({ clients: 0, followed: 0, seconds: 0 });

const rateOf = ({ clients, followed }: Arm): number => followed / Math.max(1, clients);

const better = ({ hold, drop }: Campaign['arms']): HostileAnswer => (rateOf(drop) < rateOf(hold) ? 'drop' : 'hold');

const choice = ({ arms, answered }: Campaign): HostileAnswer => {
  // Holding first: it is what serves best against most.
  if (arms.hold.clients < turn) return 'hold';
  if (arms.drop.clients < turn) return 'drop';
  const best = better(arms);
  return answered % tryOtherEvery === 0 ? (best === 'hold' ? 'drop' : 'hold') : best;
};

export const createAnswers = (): Answers => {
  const campaigns = new Map<string, Campaign>();
  /** By prefix: whoever is hostile already when it connects has not greeted yet. */
  const habits = new Map<string, string>();

  const rememberedHabit = (prefix: string, seen: string | undefined): string | undefined => {
    const habit = seen ?? habits.get(prefix);
    const [oldest] = habits.keys();
    if (habits.size >= habitsMax && oldest !== undefined) habits.delete(oldest);
    if (habit !== undefined) habits.set(prefix, habit);
    return habit;
  };

  const campaignNamed = (name: string): Campaign => {
    let campaign = campaigns.get(name);
    if (campaign === undefined) {
      const [oldest] = campaigns.keys();
      if (campaigns.size >= campaignsMax && oldest !== undefined) campaigns.delete(oldest);
      campaign = { name, arms: { hold: newArm(), drop: newArm() }, seen: new Set(), answered: 0, last: undefined };
    }
    // The one that was met last stands last.
    campaigns.delete(name);
    campaigns.set(name, campaign);
    return campaign;
  };

  const meet = (campaign: Campaign, prefix: string, time: number): void => {
    const { last, seen } = campaign;
    if (seen.has(prefix)) return;
    if (last !== undefined && time - last.time <= followMs) campaign.arms[last.answer].followed++;
    if (seen.size >= clientsMax) campaign.seen = new Set();
    campaign.seen.add(prefix);
  };

  return {
    choose: (attack, client, time, greeting) => {
      const prefix = prefixOf(client);
      const habit = rememberedHabit(prefix, greeting);
      const campaign = campaignNamed(habit === undefined ? attack : `${attack}, ${habit}`);
      meet(campaign, prefix, time);
      const answer = choice(campaign);
      campaign.answered++;
      // Only this is kept while the session lasts, not the campaign.
      const arm = campaign.arms[answer];
      arm.clients++;
      campaign.last = { answer, time };
      return {
        answer,
        ended: (end) => {
          arm.seconds += Math.max(0, end - time) / 1000;
        },
      };
    },
    report: () =>
      [...campaigns.values()].map(({ name, arms }) => ({
        campaign: name,
        hold: { ...arms.hold },
        drop: { ...arms.drop },
        kept: better(arms),
      })),
  };
};
