/**
 * Microsoft Exchange (2010 to SE): the SMTP Receive, IMAP4 and POP3 protocol logs and the message tracking log, comma-separated, stamps in UTC. Written
 * from the documented format; there is no Exchange here to provoke.
 */
import type { LineGrammar } from '../grammar.ts';
import { recent } from '../recent.ts';
import { inOrder, isOutgoing, newHead, readHead, withNetworkId, withoutBom } from './columns.ts';
import type { Head, Kind } from './columns.ts';
import { fieldsOf } from './fields.ts';
import { newMailboxMemory, readMailbox } from './mailbox.ts';
import { readSmtp } from './smtp.ts';
import type { SmtpSession } from './smtp.ts';
import { isTracking, readTracking } from './tracking.ts';
import type { Tracked } from './tracking.ts';

const sessionsMax = 16_384;
const messagesMax = 65_536;
const marks = new Set(['+', '-', '<', '>', '*']);

/** `2026-11-21T00:10:31.123Z,`: a stamp, and then a comma where syslog has a space. */
const isData = (line: string, at: number): boolean =>
  line.charCodeAt(at + 10) === 84 && line.charCodeAt(at + 23) === 90 && line.charCodeAt(at + 24 + at) === 44;

/** 1 when the stamp itself stands in quotes. */
const stampAt = (line: string): number => (line.charCodeAt(0) === 34 ? 1 : 0);

const kindOf = (head: Head, fields: readonly string[]): Kind => {
  if (head.kind !== undefined) return head.kind;
  if (marks.has(fields[6] ?? '')) return 'smtp';
  if (isTracking(fields)) return 'tracking';
  return fields.length >= 10 ? 'mailbox' : 'other';
};

export const exchangeGrammar: LineGrammar = {
  format: 'exchange',
  recognises: (line) => isData(line, stampAt(line)) || withoutBom(line).startsWith('#Software: Microsoft Exchange'),
  reader: (stamps) => {
    const memory = newMailboxMemory();
    const sessions = recent<SmtpSession>(sessionsMax);
    const messages = recent<Tracked>(messagesMax);
    const head = newHead();
    return {
      read: (line, tell) => {
        if (readHead(head, withoutBom(line))) return 'known';
        const at = stampAt(line);
        if (!isData(line, at) || stamps.read(line, at) < 0) return 'foreign';
        const fields = inOrder(head, fieldsOf(line));
        switch (kindOf(head, fields)) {
          case 'smtp':
            if (head.isForeign || isOutgoing(fields[4] ?? '')) return 'known';
            return readSmtp(stamps.time, fields, sessions, tell);
          case 'tracking':
            return readTracking(stamps.time, head.kind === undefined ? withNetworkId(fields) : fields, messages, tell);
          case 'mailbox':
            return readMailbox(stamps.time, fields, memory, tell);
          case 'other':
            return head.kind === undefined ? 'unmatched' : 'known';
        }
      },
    };
  },
};
