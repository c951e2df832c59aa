/** Drafts of abuse reports to a network's owner: XARF 4 (xarf.org, schemas xarf-core, connection-login-attack and -reconnaissance). */
import type { Actor, Incident } from '../../model/report.ts';
import { decoded } from './plain.ts';
import { isoTime } from './time.ts';

export type Reporter = { readonly org: string; readonly contact: string };

const descriptionLengthMax = 1000;

/** What an owner can act on: it is about a client, and nobody but the client is to blame. */
const types = new Map([
  ['password-guessing', 'login_attack'],
  ['dictionary', 'reconnaissance'],
  ['relay', 'reconnaissance'],
]);

/** False when the attack is none that the owner of the client's network can act on. */
export const isReportable = ({ attack }: Incident, { kind }: Actor): boolean => types.has(attack) && kind === 'client';

/** The address by which its owner is looked for. */
export const ownerOf = (actor: Actor): string => actor.value.replace('/64', '');

/** What was seen, in two or three sentences. */
export const summaryOf = (incident: Incident, actor: Actor): string =>
  [
    `${incident.attack} (${incident.id}): ${actor.events} events from ${actor.value}, first ${isoTime(actor.first)}, last ${isoTime(actor.last)}.`,
    incident.distributed ? `One of ${incident.actorCount} clients that act together.` : '',
    `Recognised: ${decoded(incident.why)}`,
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');

/** @returns undefined when its owner cannot act on it */
export const xarfOf = (incident: Incident, actor: Actor, reporter: Reporter, id: string): object | undefined => {
  const type = types.get(incident.attack);
  if (type === undefined || !isReportable(incident, actor)) return undefined;
  const contact = { ...reporter, domain: reporter.contact.slice(reporter.contact.lastIndexOf('@') + 1) };
  const summary = summaryOf(incident, actor);
  return {
    xarf_version: '4.0.0',
    report_id: id,
    timestamp: isoTime(actor.last),
    reporter: contact,
    sender: contact,
    source_identifier: ownerOf(actor),
    category: 'connection',
    type,
    protocol: 'tcp',
    first_seen: isoTime(actor.first),
    last_seen: isoTime(actor.last),
    ...(type === 'reconnaissance'
      ? {
          probed_resources: [`smtp: ${decoded(incident.targets[0]?.value ?? 'this server')}`],
          total_probes: Math.max(1, actor.events),
        }
      : {}),
    evidence_source: 'automated_filter',
    description: summary.slice(0, descriptionLengthMax),
    evidence: [
      {
        content_type: 'text/plain',
        description: 'what was counted',
        payload: Buffer.from(`${summary}\n`).toString('base64'),
      },
    ],
  };
};
