/** A notice: what a person is told when an incident opens, turns or ends. Never one an address: an incident is one. */
import type { Incident } from '../../model/report.ts';
import { decoded } from '../text/plain.ts';
import { incidentHeadline } from '../text/incident.ts';
import { isoTime } from '../text/time.ts';

export type Notice = {
  readonly kind: 'opened' | 'grew' | 'closed' | 'acted' | 'lost' | 'mended' | 'problem' | 'test';
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly host: string;
  readonly incident: string | undefined;
  /** One line; what a phone shows. */
  readonly title: string;
  /** What to do next, as commands. */
  readonly commands: readonly string[];
};

const titleLengthMax = 300;

/** One line without anything that could end it: attackers write parts of it. */
const oneLine = (text: string): string =>
  decoded(text)
    .replaceAll(/\p{C}+/gu, ' ')
    .slice(0, titleLengthMax);

export const incidentNotice = (kind: 'opened' | 'grew' | 'closed', incident: Incident, host: string): Notice => ({
  kind,
  time: kind === 'opened' ? incident.recognised : incident.last,
  host,
  incident: incident.id,
  title: oneLine(`${kind}: ${incidentHeadline(incident)}`),
  commands:
    kind === 'closed'
      ? [`postern incident ${incident.id}`]
      : [`postern incident ${incident.id}`, `postern undo ${incident.id}`, 'postern pause'],
});

export const plainNotice = (
  kind: 'acted' | 'problem' | 'test',
  text: string,
  incident: string | undefined,
  time: number,
  host: string,
): Notice => ({
  kind,
  time,
  host,
  incident,
  title: oneLine(text),
  commands: incident === undefined ? [] : [`postern incident ${incident}`, `postern undo ${incident}`],
});

/** A server does not ask any more, or asks again. */
export const proofNotice = (
  kind: 'lost' | 'mended',
  text: string,
  server: string,
  time: number,
  host: string,
): Notice => ({
  kind,
  time,
  host,
  incident: undefined,
  title: oneLine(text),
  commands: [`postern check ${server}`, ...(kind === 'lost' ? [`postern setup ${server}`] : [])],
});

/** A notice that was written as JSON; undefined for anything else. */
export const noticeIn = (document: string): Notice | undefined => {
  try {
    const value: unknown = JSON.parse(document);
    if (typeof value !== 'object' || value === null || !('title' in value) || !('commands' in value)) return undefined;
    // We wrote it ourselves; JSON leaves out what is undefined.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const notice = value as Notice;
    return { ...notice, incident: notice.incident };
  } catch {
    return undefined;
  }
};

/** The whole of it, for a mail. */
export const noticeText = ({ title, time, host, commands }: Notice): string =>
  [
    title,
    '',
    `On ${host}, ${isoTime(time)}.`,
    ...(commands.length === 0 ? [] : ['', 'Next:', ...commands.map((command) => `  ${command}`)]),
  ].join('\n');

export type Channel = {
  readonly name: string;
  /** @param given ends the attempt: nobody waits for it any more. @throws Error with words when it was not taken */
  readonly send: (notice: Notice, given?: AbortSignal) => Promise<void>;
};
