/** Lines of the SMTP dialogue: refusals, failed logins, dropped and lost connections. */
import type { EventKind, Outcome, Reason } from '../../model/event.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { hostAt, hostBehind } from './host.ts';
import { isKnown } from './known.ts';
import { readRefusal, readTooBad, tellOf } from './refusal.ts';

const reasonOfFailure = (words: string): Reason => {
  if (words.startsWith('501')) return words.includes('ancelled') ? 'aborted' : 'malformed';
  if (words.startsWith('538') || words.startsWith('530')) return 'no-tls';
  return words.includes('policy') || words.startsWith('435') ? 'policy' : 'bad-password';
};

/** `plain authenticator failed for HOST: 535 TEXT (set_id=USER)`: the code ends the host item, the user name ends the line. */
const readAuthFailure = (time: number, text: string, at: number, tell: Tell): Understood => {
  const from = at + ' authenticator failed for '.length;
  const bracket = text.indexOf(']', from);
  const code = text.slice(bracket < 0 ? from : bracket).search(/: \d{3} /);
  const words = code < 0 ? '' : text.slice((bracket < 0 ? from : bracket) + code + 2);
  return tellOf(time, 'auth', hostAt(text, from), tell, (event) => {
    event.outcome = 'failure';
    event.reason = reasonOfFailure(words);
    event.text = words;
    const id = words.indexOf('(set_id=');
    if (id >= 0 && words.endsWith(')')) event.account = words.slice(id + 8, -1);
    event.protocol = undefined;
  });
};

type Rule = {
  readonly start: string;
  readonly kind?: EventKind;
  readonly reason?: Reason;
  readonly outcome?: Outcome;
  /** The mark before the host item; without one the item stands right behind the start. */
  readonly mark?: string;
};

const rules: readonly Rule[] = [
  {
    start: 'SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from H=',
    kind: 'early-talk',
  },
  { start: 'SMTP protocol synchronization error', kind: 'command-error', reason: 'pipelining', mark: ' H=' },
  { start: 'SMTP syntax error in "GET ', kind: 'command-error', reason: 'non-smtp', mark: '" H=' },
  { start: 'SMTP syntax error in "POST ', kind: 'command-error', reason: 'non-smtp', mark: '" H=' },
  { start: 'SMTP syntax error in "CONNECT ', kind: 'command-error', reason: 'non-smtp', mark: '" H=' },
  { start: 'SMTP syntax error in "', kind: 'command-error', reason: 'syntax', mark: '" H=' },
  { start: 'SMTP protocol error in "AUTH', kind: 'command-error', reason: 'syntax', mark: '" H=' },
  { start: 'SMTP protocol error in "' },
  { start: 'rejected HELO from ', kind: 'command-error', reason: 'syntax' },
  { start: 'rejected EHLO from ', kind: 'command-error', reason: 'syntax' },
  { start: 'SMTP call from ', kind: 'command-error', reason: 'too-many-errors' },
  { start: 'too many recipients', kind: 'limit', reason: 'recipients', mark: ' H=' },
  { start: 'Connection from ' },
  { start: 'rejected MAIL from ', kind: 'sender', outcome: 'rejected' },
  { start: 'rejected MAIL FROM:', kind: 'sender', outcome: 'rejected', mark: ' H=' },
  { start: 'rejected MAIL command H=', kind: 'limit', reason: 'message-rate' },
  { start: 'refused connection from ', kind: 'connect', outcome: 'rejected' },
  { start: 'unqualified sender rejected: <', kind: 'sender', outcome: 'rejected', mark: '> H=' },
  { start: 'unqualified recipient rejected: <', kind: 'recipient', outcome: 'rejected', mark: '> H=' },
  { start: 'VRFY failed for ', kind: 'recipient', outcome: 'unknown', mark: ' H=' },
  { start: 'TLS error on connection from ', kind: 'tls', outcome: 'failure' },
  { start: 'rejected "', kind: 'helo', outcome: 'rejected', mark: '" from ' },
  { start: 'temporarily rejected "', kind: 'helo', outcome: 'deferred', mark: '" from ' },
  { start: 'no MAIL in SMTP connection from ', kind: 'disconnect', reason: 'no-mail' },
  { start: 'no MAIL in TFO SMTP connection from ', kind: 'disconnect', reason: 'no-mail' },
  { start: 'no MAIL in TFO* SMTP connection from ', kind: 'disconnect', reason: 'no-mail' },
  { start: 'no MAIL in TLS-on-connect connection from ', kind: 'disconnect', reason: 'no-mail' },
];

/** `Connection from [ADDRESS] refused: …`: only its own connections are the client's doing, not the server's load. */
const isOwnLimit = (text: string): boolean =>
  text.startsWith('Connection from ') && text.endsWith(' refused: too many connections from that IP address');

const readConnection = (time: number, text: string, tell: Tell): Understood => {
  const opened = text.includes(' (TCP/IP connection count = ');
  return tellOf(time, opened ? 'connect' : 'disconnect', hostAt(text, 'SMTP connection from '.length), tell);
};

const countedReasons: readonly (readonly [string, Reason])[] = [
  ['too many nonmail', 'nonmail'],
  ['too many unrecognized', 'unknown-command'],
  ['too many syntax', 'syntax'],
];

const applyRule = (time: number, text: string, rule: Rule, tell: Tell): Understood => {
  if (rule.kind === undefined) return 'known';
  const host = rule.mark === undefined ? hostAt(text, rule.start.length) : hostBehind(text, rule.mark);
  return tellOf(time, rule.kind, host, tell, (event) => {
    event.reason = countedReasons.find(([words]) => text.includes(words))?.[1] ?? rule.reason;
    event.text = text;
    event.outcome = rule.outcome;
    if (rule.kind === 'recipient' && host.client !== undefined && rule.mark !== undefined)
      event.recipient = text.slice(rule.start.length, text.indexOf(rule.mark));
    if (rule.kind === 'sender' && text.includes('message too big')) event.reason = 'size';
  });
};

/** @param line the whole line behind its stamp and pid */
export const readSessionLine = (time: number, line: string, tell: Tell): Understood => {
  // With log_selector +dnssec the mark of a signed host name stands before the item.
  const text = line.startsWith(' DSH=') ? line.slice(3) : line;
  if (text.startsWith('H=')) return readRefusal(time, text, tell);
  if (text.startsWith('rejected from <')) return readTooBad(time, text, tell);
  const auth = text.indexOf(' authenticator failed for ');
  if (auth > 0 && auth < 40) return readAuthFailure(time, text, auth, tell);
  if (text.startsWith('SMTP connection from ')) return readConnection(time, text, tell);
  if (isOwnLimit(text)) {
    return tellOf(time, 'limit', hostAt(text, 'Connection from '.length), tell, (event) => {
      event.reason = 'concurrency';
      event.text = text;
    });
  }
  const rule = rules.find(({ start }) => text.startsWith(start));
  if (rule !== undefined) return applyRule(time, text, rule, tell);
  return isKnown(text) ? 'known' : 'unmatched';
};
