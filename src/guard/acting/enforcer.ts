/**
 * What follows a conviction outside the SMTP dialogue: nothing but a note (`observe`, the default), a suggestion that waits
 * for a yes, or a block. Never of who was ever good here, never above the ceilings: then it is a suggestion, and said.
 */
import { errorWords } from '../../model/fault.ts';
import { firewallBlock } from '../../act/firewall.ts';
import { performAll, suggestAll } from '../../act/perform.ts';
import type { Order } from '../../act/perform.ts';
import type { Conviction } from '../../judge/judge.ts';
import type { OpenDesk } from '../desk.ts';
import type { ActionNews } from '../notices/news.ts';
import type { Values } from '../settings.ts';

type Mode = 'observe' | 'suggest' | 'enforce';

const gatherMs = 250;
const inForceMax = 100_000;
const waitingMax = 20_000;

const modeIn = (values: Values, detector: string): Mode => {
  const own = values.get(`actions.detectors.${detector}`);
  const word = own === 'same' || own === undefined ? values.get('actions.firewall') : own;
  return word === 'enforce' || word === 'suggest' ? word : 'observe';
};

export type Enforcer = {
  readonly convicted: (conviction: Conviction) => void;
  /** Resolves when what was told so far is decided. */
  readonly settled: () => Promise<void>;
};

type Limits = { readonly perMinuteMax: number; readonly learningUntil: number };

/** Tokens of a minute: how many more may be done now. */
const createBudget = (perMinuteMax: number): ((wanted: number) => number) => {
  let minute = 0;
  let spent = 0;
  return (wanted) => {
    const now = Math.floor(Date.now() / 60_000);
    if (now !== minute) [minute, spent] = [now, 0];
    const granted = Math.min(wanted, perMinuteMax - spent);
    spent += granted;
    return granted;
  };
};

// oxlint-disable-next-line max-lines-per-function -- a closure over one state; each function in it is short
export const createEnforcer = (
  desk: OpenDesk,
  values: Values,
  { perMinuteMax, learningUntil }: Limits,
  tell: (news: ActionNews) => void,
): Enforcer => {
  const budget = createBudget(perMinuteMax);
  /** By client: it may be convicted and turned away at once. */
  let waiting = new Map<string, Conviction>();
  let gathering: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();

  const modeNow = ({ detector }: Conviction): Mode => {
    const isMild = Date.now() < learningUntil * 1000 || desk.pause.get() !== undefined;
    return isMild ? 'observe' : modeIn(values, detector);
  };

  const orderOf = ({ incident, until, why }: Conviction): Order => ({ who: 'guard', why, until, incident });
  const wantedOf = ({ client, until }: Conviction): { subject: string; until: number } => ({ subject: client, until });

  const suggest = async (convictions: readonly Conviction[], because: string): Promise<void> => {
    const done = await suggestAll(firewallBlock, convictions.map(wantedOf), convictions.map(orderOf), desk);
    for (const [at, { receipt }] of done.entries())
      tell({
        kind: 'action',
        incident: convictions[at]?.incident,
        text: `suggests to block ${convictions[at]?.client ?? ''}${because}: postern accept ${receipt?.id ?? ''}`,
      });
  };

  /** How many of them may be blocked by themselves; the rest is suggested. */
  const allowedNow = (wanted: number): number =>
    Math.max(0, Math.min(budget(wanted), inForceMax - desk.receipts.countInForce('firewall-block')));

  const enforce = async (convictions: readonly Conviction[]): Promise<void> => {
    const safe = convictions.filter(({ everGood }) => !everGood);
    const good = convictions.filter(({ everGood }) => everGood);
    if (good.length > 0) await suggest(good, ', from where good mail or logins came before');
    const count = allowedNow(safe.length);
    const now = safe.slice(0, count);
    if (now.length > 0) {
      const done = await performAll(firewallBlock, now.map(wantedOf), now.map(orderOf), desk);
      const ids = done.flatMap(({ receipt }) => receipt?.id ?? []);
      const shown =
        now.length === 1 ? `${now[0]?.client ?? ''} (postern undo ${ids[0] ?? ''})` : `${now.length} clients`;
      tell({ kind: 'action', incident: now[0]?.incident, text: `blocked ${shown}` });
    }
    if (count < safe.length)
      await suggest(safe.slice(count), `, over a ceiling (${perMinuteMax} actions a minute, ${inForceMax} blocks)`);
  };

  /** One that is protected must not keep the others from being blocked. */
  const withoutProtected = async (convictions: readonly Conviction[]): Promise<readonly Conviction[]> => {
    const protections = await desk.carryOut({
      verb: 'who-protects',
      subjects: convictions.map(({ client }) => client),
    });
    return convictions.filter((_, at) => protections[at] === undefined);
  };

  const decide = async (told: readonly Conviction[]): Promise<void> => {
    const convictions = await withoutProtected(told);
    const groups = Map.groupBy(convictions, modeNow);
    for (const { client, incident } of groups.get('observe') ?? [])
      tell({ kind: 'action', incident, text: `would block ${client} (observe)`, isOnlyNote: true });
    if (groups.has('suggest')) await suggest(groups.get('suggest') ?? [], '');
    if (groups.has('enforce')) await enforce(groups.get('enforce') ?? []);
  };

  /** Said once, until it is over: in a flood it would be said four times a second, and no other notice would be sent. */
  let trouble = '';
  const complain = (error: unknown): void => {
    const words = errorWords(error);
    if (words !== trouble)
      tell({ kind: 'action', incident: undefined, text: `convictions are not acted on: ${words}` });
    trouble = words;
  };

  const flush = (): void => {
    gathering = undefined;
    const convictions = [...waiting.values()];
    waiting = new Map();
    working = working.then(() => decide(convictions)).then(() => void (trouble = ''), complain);
  };

  return {
    convicted: (conviction) => {
      const known = waiting.get(conviction.client);
      if (waiting.size >= waitingMax || (known?.until ?? 0) > conviction.until) return;
      waiting.set(conviction.client, conviction);
      gathering ??= setTimeout(flush, gatherMs);
    },
    settled: async () => {
      clearTimeout(gathering);
      if (waiting.size > 0) flush();
      await working;
    },
  };
};
