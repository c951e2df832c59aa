/** Lines of the SMTP dialogue: refusals, failed logins, dropped and lost connections. */
import { draftEvent } from '../../model/event.ts';
import type { EventDraft, EventKind, Outcome, Reason } from '../../model/event.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { hostAt, hostBehind } from './host.ts';
import type { Host } from './host.ts';

type Meaning = readonly [Outcome, Reason?];
/** Phrases of Exim's default, Debian's and cPanel's ACLs and routers; the first that fits is taken. */
const phrases: readonly (readonly [string, Meaning])[] = [
  ['no such user', ['unknown']],
  ['unrouteable', ['unknown']],
  ['unknown user', ['unknown']],
  ['user unknown', ['unknown']],
  ['no such person', ['unknown']],
  ['no such recipient', ['unknown']],
  ['mailbox unavailable', ['unknown']],
  ['verification failed for <', ['unknown']],
  ['relay not permitted', ['relay-denied']],
  ['not permitted to relay', ['relay-denied']],
  ['relaying denied', ['relay-denied']],
  ['relay access denied', ['relay-denied']],
  ['quota', ['over-quota']],
  ['mailbox is full', ['over-quota']],
  ['mailbox full', ['over-quota']],
  ['greylist', ['deferred', 'greylist']],
  ['dnsbl', ['rejected', 'blocklist']],
  ['black list', ['rejected', 'blocklist']],
  ['blacklist', ['rejected', 'blocklist']],
  ['spamhaus', ['rejected', 'blocklist']],
  ['rbl', ['rejected', 'blocklist']],
  ['sender verify', ['rejected', 'dns']],
  ['helo', ['rejected', 'helo']],
  ['message too big', ['rejected', 'size']],
];

const meaningOf = (words: string): Meaning => {
  const small = words.slice(0, 500).toLowerCase();
  return phrases.find(([phrase]) => small.includes(phrase))?.[1] ?? ['rejected'];
};

const tellOf = (
  time: number,
  kind: EventKind,
  host: Host,
  tell: Tell,
  fill?: (event: EventDraft) => void,
): Understood => {
  const event = draftEvent(time, 'exim', kind);
  event.client = host.client;
  event.helo = host.helo;
  event.protocol = 'smtp';
  fill?.(event);
  tell(event);
  return 'event';
};

/** `F=<SENDER> [A=auth:login] ` behind the host item; the sender ends before ` A=` or the verdict. */
const senderIn = (text: string, until: number): string | undefined => {
  const at = text.indexOf(' F=<');
  if (at < 0 || at > until) return undefined;
  const end = text.lastIndexOf('>', until);
  return end < at + 4 ? undefined : text.slice(at + 4, text.indexOf('>', at) < end ? text.indexOf('>', at) : end);
};

const accountIn = (text: string, until: number): string | undefined => {
  const at = text.lastIndexOf(' A=', until);
  const colon = at < 0 ? -1 : text.indexOf(':', at);
  if (colon < 0 || colon > until) return undefined;
  const end = text.indexOf(' ', colon);
  return text.slice(colon + 1, end < 0 ? undefined : end);
};

const verdictAt = (
  text: string,
): { readonly at: number; readonly words: number; readonly temporary: boolean } | undefined => {
  const temporary = text.indexOf(' temporarily rejected ');
  const rejected = text.indexOf(' rejected ');
  if (temporary >= 0 && temporary < rejected) return { at: temporary, words: temporary + 22, temporary: true };
  return rejected < 0 ? undefined : { at: rejected, words: rejected + 10, temporary: false };
};

/** `rejected RCPT <ADDRESS>: TEXT` and its kin behind `H=…`. */
const readRefusal = (time: number, text: string, tell: Tell): Understood | undefined => {
  const verdict = verdictAt(text);
  const host = hostAt(text, 2);
  if (verdict === undefined) {
    const known = [
      ' Warning: ',
      ' sender verify',
      ' incomplete transaction',
      ' no IP address found',
      ' discarded ',
      ' Connection refused',
      ' TLS',
    ];
    return known.some((mark) => text.includes(mark)) || host.client !== undefined ? 'known' : undefined;
  }
  const what = text.slice(verdict.words);
  const [outcome, reason]: Meaning = meaningOf(what.slice(what.indexOf('>: ') + 1));
  const fill = (event: EventDraft): void => {
    event.outcome = verdict.temporary && (outcome === 'rejected' || outcome === 'unknown') ? 'deferred' : outcome;
    event.reason = reason;
    event.sender = senderIn(text, verdict.at);
    event.account = accountIn(text, verdict.at);
    event.text = what;
    event.dsn = /^[^:]*: (?:\d{3} )?([245]\.\d{1,3}\.\d{1,3}) /.exec(what.slice(0, 500))?.[1];
  };
  if (what.startsWith('RCPT ')) {
    return tellOf(time, 'recipient', host, tell, (event) => {
      fill(event);
      const end = what.indexOf('>: ') < 0 ? what.indexOf('>') : what.indexOf('>: ');
      event.recipient =
        what.charCodeAt(5) === 60 ? what.slice(6, end < 0 ? undefined : end) : what.slice(5).split(':')[0];
    });
  }
  if (what.startsWith('MAIL')) return tellOf(time, 'sender', host, tell, fill);
  if (what.startsWith('EHLO') || what.startsWith('HELO')) return tellOf(time, 'helo', host, tell, fill);
  if (what.startsWith('connection in "connect" ACL')) {
    const isRate = /rate|too many|limit/i.test(what.slice(0, 300));
    return tellOf(time, isRate ? 'limit' : 'connect', host, tell, (event) => {
      event.outcome = verdict.temporary ? 'deferred' : 'rejected';
      if (isRate) event.reason = 'connection-rate';
      event.text = what;
    });
  }
  return tellOf(time, 'other', host, tell, fill);
};

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
  { start: 'Connection from ', kind: 'limit', reason: 'concurrency' },
  { start: 'rejected MAIL from ', kind: 'sender' },
  { start: 'rejected MAIL FROM:', kind: 'sender', mark: ' H=' },
  { start: 'refused connection from ', kind: 'connect' },
  { start: 'no MAIL in SMTP connection from ', kind: 'disconnect', reason: 'no-mail' },
  { start: 'no MAIL in TLS-on-connect connection from ', kind: 'disconnect', reason: 'no-mail' },
];

const known = [
  'no host name found for IP address',
  'Start queue run',
  'End queue run',
  'cwd=',
  'exim ',
  'daemon ',
  'SIGHUP',
  'SIGTERM',
  'pid ',
  'ETRN ',
  'no IP address found for host',
  'TLS error',
  'TLS ',
  'TLS: ',
  'unexpected disconnection',
  'host name alias',
  'unqualified ',
  'syntactically invalid',
  'Warning: ',
  'Failed to',
  'failed to',
  'queue run',
  'sender verify',
  'SPF',
  'DKIM',
  'DMARC',
  'log_selector',
  'ALERT',
  'socket bind',
  'configured error code',
  'Exim configuration',
  'LMTP',

  'Unable to',
  'ident ',
  'H=',
  'Envelope',
  'spamd',
  'malware',
  'IP address ',
  'rejected ',
  'refused ',
  'string_',
  'lookup ',
  'retry ',
  'list matching',
  'dovecot',
  'user ',
  'gethostbyname',
  'SMTP command timeout',
  'SMTP data timeout',
  'SMTP error',
  'SMTP timeout',
  'Remote host',
  'Tainted',
  'SMTP protocol',
  'acl ',
  'ACL',
  'routing ',
  'remote host',
  'closed ',
  'child ',
  'Retry ',
  'inetd',
  'Could not',
  'could not',
  'cannot ',
  'Cannot ',
  'ratelimit',
  'incomplete transaction',
];

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
    if (rule.kind === 'sender') event.outcome = 'rejected';
    if (rule.kind === 'sender' && text.includes('message too big')) event.reason = 'size';
  });
};

/** @param text the whole line behind its stamp and pid */
export const readSessionLine = (time: number, text: string, tell: Tell): Understood => {
  if (text.startsWith('H=')) return readRefusal(time, text, tell) ?? 'unmatched';
  const auth = text.indexOf(' authenticator failed for ');
  if (auth > 0 && auth < 40) return readAuthFailure(time, text, auth, tell);
  if (text.startsWith('SMTP connection from ')) return readConnection(time, text, tell);
  const rule = rules.find(({ start }) => text.startsWith(start));
  if (rule !== undefined) return applyRule(time, text, rule, tell);
  return known.some((start) => text.startsWith(start)) ? 'known' : 'unmatched';
};
