/** One incident as a tired person reads it. */
import type { CountName, Incident } from '../../model/report.ts';
import { plain } from './plain.ts';
import type { Style } from './style.ts';
import { counted, cut, grouped } from './table.ts';
import { durationWords, localTime } from './time.ts';

/** What a client chose is as long as it likes; --json has the whole of it. */
const nameWidthMax = 80;
const named = (value: string): string => cut(plain(value), nameWidthMax);

const actorsShown = 5;
const targetsShown = 4;

/** One of them, and several. */
const countWords: Readonly<Record<CountName, readonly [one: string, several: string]>> = {
  unknownRecipients: ['recipient that does not exist', 'recipients that do not exist'],
  relayDenied: ['relay attempt, refused', 'relay attempts, all refused'],
  authFailures: ['failed login', 'failed logins'],
  protocolErrors: ['protocol error', 'protocol errors'],
  bounces: ['bounce for mail that was never sent', 'bounces for mail that was never sent'],
  invalidRecipients: ['recipient that does not exist elsewhere', 'recipients that do not exist elsewhere'],
  spamVerdicts: ['refusal as spam', 'refusals as spam'],
  recipients: ['recipient', 'recipients'],
  bounced: ['bounced', 'bounced'],
  aliasLoops: ['message that went round between aliases', 'messages that went round between aliases'],
  loopReturns: ['message that came back', 'messages that came back'],
  refusedNewcomers: ['newcomer put off', 'newcomers put off'],
  missingSenderDomains: ['sender domain that does not exist', 'sender domains that do not exist'],
  refusedConnections: ['connection over the limits', 'connections over the limits'],
  excessConnections: ['connection over the allowance', 'connections over the allowance'],
};

const wordsFor = new Map<string, readonly [one: string, several: string]>(Object.entries(countWords));

/** `20 recipients that do not exist, 3 newcomers put off`. An older ledger may know other names. */
const sizeWords = ({ counts }: Incident): string =>
  Object.entries(counts)
    .map(([name, count]) => `${grouped(count)} ${wordsFor.get(name)?.[count === 1 ? 0 : 1] ?? name}`)
    .join(', ');

const who = (incident: Incident): string => {
  if (incident.actorCount === 0) return 'nobody to blame: the servers that return the bounces are innocent';
  const shown = incident.actors
    .slice(0, actorsShown)
    .map((actor) => `${named(actor.value)} (${grouped(actor.events)})`);
  const more = incident.actorCount - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${grouped(more)} more` : '');
};

const against = (incident: Incident): string => {
  const [main, ...rest] = incident.targets;
  const shown = rest.slice(0, targetsShown).map((target) => `${named(target.value)} (${grouped(target.events)})`);
  const more = rest.length - shown.length;
  return `${named(main?.value ?? '')}${shown.length > 0 ? `: ${shown.join(', ')}` : ''}${more > 0 ? ` and ${grouped(more)} more` : ''}`;
};

const habitsShown = 3;

const mannerLines = ({ habits = [], targets }: Incident): readonly string[] => {
  const all = targets[0]?.events ?? 0;
  const shown = habits
    .slice(0, habitsShown)
    .map(({ value, events }) => `${named(value)} (${Math.min(100, Math.round((100 * events) / Math.max(1, all)))} %)`);
  return shown.length === 0 ? [] : [`    manner      ${shown.join(', ')}`];
};

const textIndent = 16;
const whyWidthMax = 400;

export const incidentLines = (incident: Incident, style: Style): readonly string[] => {
  const end = incident.closed === undefined ? 'not over' : `over since ${localTime(incident.closed)}`;
  const crowd = incident.distributed ? `, ${counted(incident.actorCount, 'client')} together` : '';
  const lines = [
    `    who         ${who(incident)}`,
    `    against     ${against(incident)}`,
    ...mannerLines(incident),
    `    since       ${localTime(incident.opened)}, last ${localTime(incident.last)} (${durationWords(incident.last - incident.opened)}), ${end}`,
    `    recognised  ${localTime(incident.recognised)} after ${counted(incident.eventsBeforeRecognition, 'event')}: ${cut(plain(incident.why), whyWidthMax)}`,
    ...(incident.campaign === undefined ? [] : [`    campaign    the same as ${incident.campaign} before`]),
    ...incident.advice.map((sentence, at) => `    ${at === 0 ? 'answer' : '      '}      ${plain(sentence)}`),
  ];
  return [
    `${style.warn('!')} ${style.strong(incident.attack)} ${incident.id}  ${sizeWords(incident)}${crowd}`,
    ...lines.flatMap((line) => style.folded(line, textIndent)),
  ];
};

/** One line, for the running guard. */
export const incidentHeadline = (incident: Incident): string =>
  `${incident.attack} ${incident.id} against ${named(incident.targets[0]?.value ?? '')}: ${sizeWords(incident)}; ${incident.actorCount === 1 ? who(incident) : counted(incident.actorCount, 'actor')}. ${cut(plain(incident.why), whyWidthMax)}`;
