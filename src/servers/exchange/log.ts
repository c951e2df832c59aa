/**
 * Microsoft Exchange (2013 to SE): the SMTP Receive, IMAP4 and POP3 protocol logs and the message tracking log, comma-separated, stamps in UTC. Written
 * from the documented format; there is no Exchange here to provoke.
 */
import type { LineGrammar } from '../grammar.ts';
import { recent } from '../recent.ts';
import { fieldsOf } from './fields.ts';
import { readMailbox } from './mailbox.ts';
import { readSmtp } from './smtp.ts';
import type { SmtpSession } from './smtp.ts';
import { isTracking, readTracking } from './tracking.ts';
import type { Tracked } from './tracking.ts';

const sessionsMax = 16_384;
const messagesMax = 65_536;
const marks = new Set(['+', '-', '<', '>', '*']);

const isHeader = (line: string): boolean =>
  line.startsWith('#Software: Microsoft Exchange') ||
  line.startsWith('#Version: ') ||
  line.startsWith('#Log-') ||
  line.startsWith('#Date: ') ||
  line.startsWith('#Fields: ') ||
  line.startsWith('\xef\xbb\xbf#Software');

/** `2026-11-21T00:10:31.123Z,`: a stamp, and then a comma where syslog has a space. */
const isData = (line: string): boolean =>
  line.charCodeAt(10) === 84 && line.charCodeAt(23) === 90 && line.charCodeAt(24) === 44;

export const exchangeGrammar: LineGrammar = {
  format: 'exchange',
  recognises: (line) =>
    isData(line) ||
    line.startsWith('#Software: Microsoft Exchange') ||
    line.startsWith('\xef\xbb\xbf#Software: Microsoft Exchange'),
  reader: (stamps) => {
    const sessions = recent<SmtpSession>(sessionsMax);
    const messages = recent<Tracked>(messagesMax);
    return {
      read: (line, tell) => {
        if (isHeader(line)) return 'known';
        if (!isData(line) || stamps.read(line, 0) < 0) return 'foreign';
        const fields = fieldsOf(line);
        if (marks.has(fields[6] ?? '')) return readSmtp(stamps.time, fields, sessions, tell);
        if (isTracking(fields)) return readTracking(stamps.time, fields, messages, tell);
        return fields.length >= 10 ? readMailbox(stamps.time, fields, tell) : 'unmatched';
      },
    };
  },
};
