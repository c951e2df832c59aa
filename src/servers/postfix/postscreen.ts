/** Lines of postscreen(8). Every one names its client as `[ADDR]:PORT` right behind its first words. */
import type { EventKind, Reason } from '../../model/event.ts';
import { draft, peerAt, peerEnd, sessionOf } from './line.ts';
import type { DaemonReader } from './line.ts';
import { readRefusal } from './refusal.ts';

type Rule = { readonly start: string; readonly kind?: EventKind; readonly reason?: Reason };

const rules: readonly Rule[] = [
  { start: 'CONNECT from ', kind: 'connect' },
  { start: 'DISCONNECT ', kind: 'disconnect' },
  { start: 'PASS NEW ' },
  { start: 'PASS OLD ' },
  { start: 'HANGUP after ' },
  { start: 'ALLOWLISTED ' },
  { start: 'WHITELISTED ' },
  { start: 'DENYLISTED ' },
  { start: 'BLACKLISTED ' },
  { start: 'ALLOWLIST VETO ' },
  { start: 'WHITELIST VETO ' },
  { start: 'DNSBL rank ' },
  { start: 'COMMAND TIME LIMIT from ' },
  { start: 'COMMAND COUNT LIMIT from ', kind: 'command-error', reason: 'too-many-errors' },
  { start: 'COMMAND LENGTH LIMIT from ', kind: 'command-error', reason: 'syntax' },
  { start: 'NON-SMTP COMMAND from ', kind: 'command-error', reason: 'non-smtp' },
  { start: 'COMMAND PIPELINING from ', kind: 'command-error', reason: 'pipelining' },
  { start: 'BARE NEWLINE from ', kind: 'command-error', reason: 'bare-newline' },
  { start: 'DATA without valid RCPT from ', kind: 'command-error', reason: 'syntax' },
  { start: 'BDAT without valid RCPT from ', kind: 'command-error', reason: 'syntax' },
  { start: 'SKIP ' },
  { start: 'DROP ' },
  { start: 'ENFORCE ' },
  { start: 'UNPASS ' },
  { start: 'UNFAIL ' },
  { start: 'entering STRESS mode' },
  { start: 'leaving STRESS mode' },
  // The server's own load, no fault of the client it names.
  { start: 'reject: connect from ' },
  { start: 'cache ' },
  { start: 'lost connection' },
  { start: '[' },
];

export const readPostscreen: DaemonReader = (line, _memory, tell) => {
  const { text } = line;
  if (text.startsWith('PREGREET ')) {
    // PREGREET 17 after 0 from [ADDR]:PORT: EHLO …\r\n
    const from = text.indexOf(' from ', 9);
    if (from < 0) return 'unmatched';
    const event = draft(line, 'early-talk');
    event.client = peerAt(text, from + 6);
    event.text = text.slice(peerEnd.at + 2);
    tell(event);
    return 'event';
  }
  if (text.startsWith('reject: RCPT') || text.startsWith('reject: CONNECT')) {
    const from = text.indexOf(' from ');
    if (from < 0) return 'unmatched';
    const concurrent = text.startsWith('CONNECT', 8);
    if (concurrent && !text.endsWith(': too many connections')) return 'known';
    const event = draft(line, concurrent ? 'limit' : 'recipient');
    event.client = peerAt(text, from + 6);
    if (concurrent) {
      event.reason = 'concurrency';
      event.text = text.slice(peerEnd.at + 2);
    } else readRefusal(event, text, peerEnd.at + 2, ',');
    tell(event);
    return 'event';
  }
  const rule = rules.find(({ start }) => text.startsWith(start));
  if (rule === undefined) return 'unmatched';
  if (rule.kind === undefined) return 'known';
  const event = draft(line, rule.kind);
  event.client = peerAt(text, rule.start.length);
  event.reason = rule.reason;
  event.session = sessionOf(line);
  tell(event);
  return 'event';
};
