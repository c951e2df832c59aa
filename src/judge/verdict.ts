/**
 * From a question to a verdict: what the table holds about the question's subjects, through the ladder. Reads only, so
 * any listener thread may ask while the guard's thread learns.
 */
import { domainOf, networkOf, prefixOf } from '../model/address.ts';
import type { Ask } from '../model/ports.ts';
import type { Question } from '../model/question.ts';
import type { Reply } from '../model/reply.ts';
import type { Term, Verdict } from '../model/verdict.ts';
import { isDoubted } from './doubt.ts';
import { isAllowed, isPaused, isShutOut, isStrict } from './by-hand.ts';
import { isVictim } from './detectors/backscatter.ts';
import { isHeld } from './detectors/compromised-account.ts';
import type { DetectorName } from './detectors/detector.ts';
import { isStormy } from './detectors/dns-storm.ts';
import { isStepUp } from './detectors/account-siege.ts';
import { natsAccepted } from './detectors/harvest.ts';
import { isServerAlarmed } from './detectors/harvest-crowd.ts';
import { overQuota } from './detectors/mailbox-room.ts';
import { isKnownLogin } from './detectors/login.ts';
import { tags } from './detectors/tags.ts';
import { isFlooding } from './standing/flood.ts';
import { hostileUntil } from './standing/hostile.ts';
import { hasComeBack } from './standing/put-off.ts';
import { atMost, convictedInNetworkMin, convictionFrom, harder, levelOf, networkMargin, verdictOf } from './ladder.ts';
import type { Level } from './ladder.ts';
import { clientScore, networkScore, termsOf, wasEverGood } from './score.ts';
import { modeOf } from './settings.ts';
import type { JudgeSettings } from './settings.ts';
import { isAlarmed } from './statistics/contact-blocks.ts';
import { readRatio } from './statistics/ratio-test.ts';
import type { Table } from './statistics/table.ts';

const accept: Verdict = { kind: 'accept', why: [] };
const acceptKnown: Verdict = { kind: 'accept', why: [], known: true };
/** The same words for every recipient, asked before it is looked up: they tell a harvester nothing. */
const campaignReply: Reply<'4'> = { code: '450', enhanced: '4.2.0', text: 'Busy, please try again in a few minutes' };
const bounceReply: Reply<'4'> = {
  code: '450',
  enhanced: '4.7.1',
  text: 'Too many bounces for this address, try again later',
};
const floodReply: Reply<'4'> = { code: '421', enhanced: '4.7.0', text: 'Too many connections, try again later' };
const stepUpReply: Reply<'4'> = { code: '454', enhanced: '4.7.0', text: 'Temporary authentication failure' };
const shutReply: Reply<'5'> = { code: '535', enhanced: '5.7.8', text: 'Authentication failed' };

/** A campaign's prior (DETECTION B.1, L7). */
const natsOfCrowd = 4.6;

const because = (detector: string, subject: string): readonly Term[] => [
  { detector, subject, score: convictionFrom, threshold: convictionFrom },
];

/** A network's score counts only while nobody there was ever good, and refuses only with two convicted clients. */
const networkLevel = (table: Table, network: string, seconds: number, settings: JudgeSettings): Level => {
  const { score, convicted, everGood } = networkScore(table, network, seconds, settings);
  if (everGood) return 'none';
  const level = levelOf(score - networkMargin);
  return convicted >= convictedInNetworkMin ? level : atMost(level, 'defer');
};

/**
 * Recipients of this very transaction that the server accepted speak for the client before its message is delivered: a
 * list server's first message must not be cut at its third stale address. A harvester's were refused, and are in `bad`.
 */
const creditOf = (table: Table, prefix: string, question: Question, seconds: number): number => {
  const before = question.recipientsBefore ?? 0;
  if (before === 0) return 0;
  const { score, bad } = readRatio(table, tags.harvest, prefix, seconds);
  return Math.max(0, Math.min(score, -natsAccepted * (before - bad)));
};

/** While a crowd guesses passwords, who failed once and was never good is taken for one of it. */
const crowdPrior = (
  table: Table,
  client: string,
  question: Question,
  seconds: number,
  settings: JudgeSettings,
): number => {
  if (question.stage !== 'auth' || modeOf(settings, 'guessing-crowd') !== 'enforce') return 0;
  if (!isAlarmed(table, tags.guessingBlocks, 'logins', seconds)) return 0;
  const prefix = prefixOf(client);
  if (readRatio(table, tags.guessing, prefix, seconds).bad === 0) return 0;
  return wasEverGood(table, prefix, networkOf(client), seconds) ? 0 : natsOfCrowd;
};

const clientLevel = (
  table: Table,
  client: string,
  question: Question,
  seconds: number,
  settings: JudgeSettings,
): Level => {
  const prefix = prefixOf(client);
  if (hostileUntil(table, prefix, seconds) > 0) return 'refuse';
  const score = clientScore(table, prefix, seconds, settings) + crowdPrior(table, client, question, seconds, settings);
  const own = levelOf(score === 0 ? 0 : score - creditOf(table, prefix, question, seconds));
  return harder(own, networkLevel(table, networkOf(client), seconds, settings));
};

/** Who was ever good here may come as often as it likes: the server has limits of its own. */
const isTurnedAway = (table: Table, client: string, seconds: number, settings: JudgeSettings): boolean =>
  modeOf(settings, 'connection-flood') === 'enforce' &&
  isFlooding(table, prefixOf(client), seconds) &&
  !wasEverGood(table, prefixOf(client), networkOf(client), seconds);

/** Before the server looks for the sender's domain. */
const isBeforeLookup = (
  table: Table,
  { stage, server, sender }: Question,
  seconds: number,
  settings: JudgeSettings,
): boolean =>
  (stage === 'sender' || stage === 'recipient') &&
  sender !== '' &&
  modeOf(settings, 'dns-storm') === 'enforce' &&
  isStormy(table, server, seconds);

const mayHide = (table: Table, { stage, recipient, server }: Question, seconds: number): boolean => {
  if (stage === 'sender' && server === 'sendmail')
    return isServerAlarmed(table, server, seconds) || isStrict(table, seconds);
  if (stage !== 'recipient' || recipient === undefined) return false;
  return isAlarmed(table, tags.harvestBlocks, domainOf(recipient), seconds) || isStrict(table, seconds);
};

/**
 * During a campaign against its domain a recipient is hidden from clients that were never good, and during a storm of sender
 * domains they cost no lookup; unless they come back later.
 */
const putsOff = (
  table: Table,
  question: Question,
  client: string,
  seconds: number,
  settings: JudgeSettings,
): DetectorName | undefined => {
  const hides = modeOf(settings, 'harvest-crowd') === 'enforce' && mayHide(table, question, seconds);
  if (!hides && !isBeforeLookup(table, question, seconds, settings)) return undefined;
  const network = networkOf(client);
  if (wasEverGood(table, prefixOf(client), network, seconds) || hasComeBack(table, network, seconds)) return undefined;
  return hides ? 'harvest-crowd' : 'dns-storm';
};

const isFloodedBounce = (table: Table, question: Question, seconds: number, settings: JudgeSettings): boolean => {
  if (question.stage !== 'recipient' || question.sender !== '' || question.recipient === undefined) return false;
  if (question.isAnswer === true) return false;
  if (modeOf(settings, 'backscatter') !== 'enforce') return false;
  return isVictim(table, question.recipient.toLowerCase(), seconds);
};

const judgeAccount = (table: Table, account: string, seconds: number, settings: JudgeSettings): Verdict =>
  modeOf(settings, 'compromised-account') === 'enforce' && isHeld(table, account, seconds)
    ? { kind: 'hold', why: because('compromised-account', account) }
    : accept;

/**
 * A login is judged by where it comes from. A network that knows the account always may: its owner is not locked out by
 * whoever else is there. During a siege of the account nobody else may; otherwise the client's own record decides.
 */
const judgeLogin = (
  table: Table,
  client: string,
  account: string | undefined,
  question: Question,
  seconds: number,
  settings: JudgeSettings,
): Verdict => {
  if (account !== undefined) {
    if (isKnownLogin(table, networkOf(client), account, seconds)) return accept;
    if (modeOf(settings, 'account-siege') === 'enforce' && isStepUp(table, account, seconds))
      return { kind: 'defer', reply: stepUpReply, why: because('account-siege', account) };
  }
  return judgeClient(table, client, question, seconds, settings);
};

const judgeClient = (
  table: Table,
  client: string,
  question: Question,
  seconds: number,
  settings: JudgeSettings,
): Verdict => {
  const level = clientLevel(table, client, question, seconds, settings);
  const learning = seconds < settings.learningUntil;
  const allowed = learning ? atMost(level, 'defer') : level;
  if (allowed !== 'none' && allowed !== 'delay')
    return verdictOf(allowed, termsOf(table, client, prefixOf(client), seconds));
  if (question.stage === 'connect' && !learning && isTurnedAway(table, client, seconds, settings))
    return { kind: 'drop', reply: floodReply, why: because('connection-flood', client) };
  const crowd = putsOff(table, question, client, seconds, settings);
  if (crowd !== undefined) {
    const aim = question.recipient === undefined ? question.server : domainOf(question.recipient);
    return { kind: 'defer', reply: campaignReply, why: because(crowd, aim) };
  }
  if (isFloodedBounce(table, question, seconds, settings)) {
    return { kind: 'defer', reply: bounceReply, why: because('backscatter', question.recipient ?? '') };
  }
  return allowed === 'none' ? accept : verdictOf(allowed, termsOf(table, client, prefixOf(client), seconds));
};

const judgeQuestion = (
  table: Table,
  question: Question,
  judgesClient: boolean,
  seconds: number,
  settings: JudgeSettings,
): Verdict => {
  const { stage, client, account } = question;
  if (stage !== 'auth' && account !== undefined) return judgeAccount(table, account, seconds, settings);
  if (client === undefined || !judgesClient) return accept;
  return stage === 'auth'
    ? judgeLogin(table, client, account, question, seconds, settings)
    : judgeClient(table, client, question, seconds, settings);
};

/** Who may go on may still have met a full mailbox. */
const orOverQuota = (
  judged: Verdict,
  table: Table,
  question: Question,
  seconds: number,
  settings: JudgeSettings,
): Verdict => {
  if (judged.kind !== 'accept' && judged.kind !== 'delay') return judged;
  const defers = settings.overQuota === 'defer' || seconds < settings.learningUntil;
  return overQuota(table, question, seconds, defers) ?? judged;
};

/** @returns a function that answers from the table alone; in `observe` mode and in a pause it says accept, with the reasons */
export const createAsk =
  (table: Table, settings: JudgeSettings): Ask =>
  (question) => {
    const seconds = Math.floor(question.time / 1000);
    const { stage, client, account } = question;
    // What a person ordered, a pause does not lift.
    if (stage === 'auth' && account !== undefined && isShutOut(table, account, seconds))
      return { kind: 'reject', reply: shutReply, why: because('by-hand', account) };
    const judgesClient =
      client !== undefined &&
      !settings.isProtected(client) &&
      !isAllowed(table, client, seconds) &&
      !isDoubted(table, client, seconds);
    const judged = judgeQuestion(table, question, judgesClient, seconds, settings);
    const verdict = orOverQuota(judged, table, question, seconds, settings);
    if (stage === 'connect' && client !== undefined && verdict.kind === 'accept')
      return judgesClient && !wasEverGood(table, prefixOf(client), networkOf(client), seconds) ? accept : acceptKnown;
    const isMute = verdict.kind !== 'accept' && (settings.mode === 'observe' || isPaused(table, seconds));
    return isMute ? { kind: 'accept', why: verdict.why } : verdict;
  };
