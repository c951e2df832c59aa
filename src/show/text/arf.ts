/**
 * Drafts of abuse reports as mails in the Abuse Reporting Format (RFC 5965). There is no message to show, for it was refused
 * before it was sent: the third part, which the format demands, is an empty header.
 */
import type { Actor, Incident } from '../../model/report.ts';
import { decoded } from './plain.ts';
import { isReportable, ownerOf, summaryOf } from './xarf.ts';
import type { Reporter } from './xarf.ts';

export type Envelope = {
  /** Whom the network's registry names; undefined: the draft has no addressee yet. */
  readonly to: string | undefined;
  /** The server that was attacked. */
  readonly host: string;
  /** Unique; of letters, digits and `-`. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly now: number;
};

const lineLengthMax = 900;

/** One line of text for people, whatever an attacker wrote: no control characters, and short enough for any server. */
const oneLine = (text: string): string =>
  decoded(text)
    .replaceAll(/[\p{C}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, lineLengthMax);

/** A header's value: ASCII alone. */
const inHeader = (text: string): string => oneLine(text).replaceAll(/[^ -~]/g, '?');

/** RFC 5322, section 3.3, in UTC. */
const mailDate = (time: number): string => new Date(time).toUTCString().replace('GMT', '+0000');

const words = (text: string, width = 76): readonly string[] => {
  const lines: string[] = [];
  for (const word of oneLine(text).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
};

/** @returns a whole mail with CRLF line ends; undefined when the owner of the client's network cannot act on it */
export const arfOf = (
  incident: Incident,
  actor: Actor,
  reporter: Reporter,
  { to, host, id, now }: Envelope,
): string | undefined => {
  if (!isReportable(incident, actor)) return undefined;
  const source = ownerOf(actor);
  const boundary = `postern-${id}`;
  const part = (type: string, lines: readonly string[]): readonly string[] => [
    `--${boundary}`,
    `Content-Type: ${type}`,
    'Content-Transfer-Encoding: 8bit',
    '',
    ...lines,
    '',
  ];
  return [
    `From: <${inHeader(reporter.contact)}>`,
    ...(to === undefined ? [] : [`To: <${inHeader(to)}>`]),
    `Subject: Abuse report: ${inHeader(`${incident.attack} from ${source} (${incident.id})`)}`,
    `Date: ${mailDate(now)}`,
    `Message-ID: <${id}@${inHeader(host)}>`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=feedback-report; boundary="${boundary}"`,
    '',
    ...part('text/plain; charset=utf-8', [
      'Hello,',
      '',
      ...words(`a host in your network, ${source}, attacked our mail server ${host}. Please see to it.`),
      '',
      ...words(summaryOf(incident, actor)),
      '',
      ...words('All times are given with their offset from UTC. No message was taken from it; none is attached.'),
      '',
      inHeader(reporter.org),
    ]),
    ...part('message/feedback-report', [
      `Feedback-Type: ${incident.attack === 'relay' || incident.attack === 'dictionary' ? 'abuse' : 'other'}`,
      'User-Agent: Postern/0.1',
      'Version: 1',
      `Source-IP: ${source}`,
      `Arrival-Date: ${mailDate(actor.last)}`,
      `Incidents: ${Math.max(1, Math.floor(actor.events))}`,
      `Reporting-MTA: dns; ${inHeader(host)}`,
    ]),
    ...part('text/rfc822-headers', ['']),
    `--${boundary}--`,
    '',
  ].join('\r\n');
};

/** Several mails as one mbox file (mboxrd; RFC 4155): a mail program opens it, and each is sent by hand. */
export const mboxOf = (mails: readonly string[], { host, now }: Pick<Envelope, 'host' | 'now'>): string =>
  mails
    .map((mail) => {
      const date = new Date(now).toUTCString();
      const [, weekday, day, month, year, time] = /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(date) ?? [];
      const body = mail.replaceAll('\r\n', '\n').replaceAll(/^(>*From )/gm, '>$1');
      return `From postern@${inHeader(host)} ${weekday ?? ''} ${month ?? ''} ${(day ?? '').replace(/^0/, ' ')} ${time ?? ''} ${year ?? ''}\n${body}\n`;
    })
    .join('');
