/** One incident as a tired person reads it. */
import type { Incident } from '../../model/report.ts';
import { plain } from './plain.ts';
import type { Style } from './style.ts';
import { counted, grouped } from './table.ts';
import { durationWords, localTime } from './time.ts';

const actorsShown = 5;
const targetsShown = 4;

const countWords = new Map([
  ['unknownRecipients', 'recipients that do not exist'],
  ['relayDenied', 'relay attempts, all refused'],
  ['authFailures', 'failed logins'],
  ['protocolErrors', 'protocol errors'],
  ['bounces', 'bounces for mail that was never sent'],
  ['invalidRecipients', 'recipients that do not exist elsewhere'],
  ['spamVerdicts', 'refusals as spam'],
  ['recipients', 'recipients'],
  ['bounced', 'bounced'],
  ['refusedConnections', 'connections over the limits'],
  ['excessConnections', 'connections over the allowance'],
]);

const who = (incident: Incident): string => {
  if (incident.actorCount === 0) return 'nobody to blame: the servers that return the bounces are innocent';
  const named = incident.actors
    .slice(0, actorsShown)
    .map((actor) => `${plain(actor.value)} (${grouped(actor.events)})`);
  const more = incident.actorCount - named.length;
  return named.join(', ') + (more > 0 ? ` and ${grouped(more)} more` : '');
};

const against = (incident: Incident): string => {
  const [main, ...rest] = incident.targets;
  const named = rest.slice(0, targetsShown).map((target) => `${plain(target.value)} (${grouped(target.events)})`);
  const more = rest.length - named.length;
  return `${plain(main?.value ?? '')}${named.length > 0 ? `: ${named.join(', ')}` : ''}${more > 0 ? ` and ${grouped(more)} more` : ''}`;
};

const habitsShown = 3;

const mannerLines = ({ habits = [], targets }: Incident): readonly string[] => {
  const all = targets[0]?.events ?? 0;
  const named = habits
    .slice(0, habitsShown)
    .map(({ value, events }) => `${plain(value)} (${Math.min(100, Math.round((100 * events) / Math.max(1, all)))} %)`);
  return named.length === 0 ? [] : [`    manner      ${named.join(', ')}`];
};

export const incidentLines = (incident: Incident, style: Style): readonly string[] => {
  const size = Object.entries(incident.counts).map(
    ([name, count]) => `${grouped(count)} ${countWords.get(name) ?? name}`,
  );
  const end = incident.closed === undefined ? 'not over' : `over since ${localTime(incident.closed)}`;
  const crowd = incident.distributed ? `, ${counted(incident.actorCount, 'client')} together` : '';
  return [
    `${style.warn('!')} ${style.strong(incident.attack)} ${incident.id}  ${size.join(', ')}${crowd}`,
    `    who         ${who(incident)}`,
    `    against     ${against(incident)}`,
    ...mannerLines(incident),
    `    since       ${localTime(incident.opened)}, last ${localTime(incident.last)} (${durationWords(incident.last - incident.opened)}), ${end}`,
    `    recognised  ${localTime(incident.recognised)} after ${counted(incident.eventsBeforeRecognition, 'event')}: ${plain(incident.why)}`,
    ...(incident.campaign === undefined ? [] : [`    campaign    the same as ${incident.campaign} before`]),
    ...incident.advice.map((sentence, at) => `    ${at === 0 ? 'answer' : '      '}      ${plain(sentence)}`),
  ];
};

/** One line, for the running guard. */
export const incidentHeadline = (incident: Incident): string => {
  const size = Object.entries(incident.counts).map(
    ([name, count]) => `${grouped(count)} ${countWords.get(name) ?? name}`,
  );
  return `${incident.attack} ${incident.id} against ${plain(incident.targets[0]?.value ?? '')}: ${size.join(', ')}; ${incident.actorCount === 1 ? who(incident) : counted(incident.actorCount, 'actor')}. ${plain(incident.why)}`;
};
