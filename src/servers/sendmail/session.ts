/** Lines about a client's session: logins, early talkers, floods, what it said. */
import { canonicalAddress } from '../../model/address.ts';
import type { EventKind, Reason } from '../../model/event.ts';
import { keep } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { saslReason } from '../sasl.ts';
import { draft, lastRelay, relayAt } from './line.ts';
import type { Line } from './line.ts';
import type { SendmailMemory } from './memory.ts';
import { tellOrWait, tellRefused } from './refusal.ts';

/** `AUTH=server, relay=HOST [ADDRESS], authid=USER, mech=PLAIN, bits=0`: no queue id, so the process joins it to its message. */
export const readLogin = (line: Line, memory: SendmailMemory, tell: Tell): Understood => {
  const { text } = line;
  const event = draft(line, 'auth');
  event.outcome = 'success';
  event.client = relayAt(text, 'AUTH=server, relay='.length);
  const from = text.indexOf(', authid=');
  const to = text.lastIndexOf(', mech=');
  if (from >= 0 && to > from) event.account = text.slice(from + 9, to);
  if (event.account !== undefined) memory.logins.set(keep(line.pid), keep(event.account));
  tell(event);
  return 'event';
};

/** `AUTH failure (PLAIN): WHY, user=USER, relay=HOST [ADDRESS]`, of which a host with a long name leaves no address: 100 characters. */
export const readLoginFailure = (line: Line, memory: SendmailMemory, tell: Tell): Understood => {
  const { text } = line;
  const event = draft(line, 'auth');
  event.outcome = 'failure';
  event.client = lastRelay(text);
  const user = text.indexOf(', user=');
  const relay = text.lastIndexOf(', relay=');
  if (user >= 0 && relay > user + 7) event.account = text.slice(user + 7, relay);
  event.reason = text.startsWith('AUTH decode64')
    ? 'malformed'
    : saslReason(text.slice(0, user >= 0 ? user : relay < 0 ? undefined : relay));
  event.text = text;
  if (event.client === undefined && line.queueId !== '') {
    const { time, account, reason } = event;
    const tried = account === undefined ? {} : { tried: keep(account) };
    return tellOrWait(
      line,
      memory,
      { kind: 'auth', time, outcome: 'failure', reason, words: keep(text), ...tried },
      tell,
    );
  }
  tell(event);
  return 'event';
};

type Rule = { readonly words: string; readonly kind: EventKind; readonly reason?: Reason };

/** What stands behind `HOST [ADDRESS]` at the start of the line. */
const afterHost: readonly Rule[] = [
  { words: ' did not issue ', kind: 'disconnect', reason: 'no-mail' },
  { words: ': SMTP violation', kind: 'command-error', reason: 'syntax' },
  { words: ': possible SMTP attack', kind: 'command-error', reason: 'too-many-errors' },
  { words: ': probable open proxy', kind: 'command-error', reason: 'non-smtp' },
  { words: ': Possible SMTP RCPT flood', kind: 'limit', reason: 'recipient-rate' },
  { words: ': Milter', kind: 'other' },
  { words: ': VRFY', kind: 'other' },
  { words: ': EXPN', kind: 'other' },
  { words: ': ETRN', kind: 'other' },
  { words: ': HELO', kind: 'other' },
];

export const readHostLine = (line: Line, memory: SendmailMemory, tell: Tell): Understood | undefined => {
  const { text } = line;
  const close = text.indexOf(']');
  const client = close < 0 ? undefined : relayAt(text, 0);
  if (client === undefined) return undefined;
  const rest = text.startsWith(' (may be forged)', close + 1) ? close + 17 : close + 1;
  const rule = afterHost.find(({ words }) => text.startsWith(words, rest));
  if (rule === undefined) return undefined;
  if (rule.kind === 'disconnect') tellRefused(line, memory, { client }, tell);
  const event = draft(line, rule.kind);
  event.client = client;
  event.reason = rule.reason;
  event.text = text.slice(rest + 1).trimStart();
  tell(event);
  return 'event';
};

type Behind = { readonly start: string; readonly kind: EventKind; readonly reason?: Reason };
/** What stands before `HOST [ADDRESS]`. */
const beforeHost: readonly Behind[] = [
  { start: 'POSSIBLE ATTACK from ', kind: 'command-error', reason: 'syntax' },
  { start: 'unauthorized PIPELINING, sleeping, relay=', kind: 'command-error', reason: 'pipelining' },
  { start: 'rejecting commands from ', kind: 'early-talk' },
  { start: 'lost input channel from ', kind: 'disconnect' },
  { start: 'timeout waiting for input from ', kind: 'disconnect' },
  { start: 'STARTTLS=server, relay=', kind: 'tls' },
  { start: 'NOQUEUE: connect from ', kind: 'connect' },
  { start: 'connect from ', kind: 'connect' },
];

/** What the client wrote stands first: the host is the last field. */
const readBehind = (line: Line, tell: Tell): Understood | undefined => {
  const { text } = line;
  const isDomain = text.startsWith('invalid domain name (');
  const isTls = text.startsWith('STARTTLS=server, error: accept failed');
  if (!isDomain && !isTls) return undefined;
  const event = draft(line, isTls ? 'tls' : 'command-error');
  const from = text.lastIndexOf(') from ');
  event.client = isTls ? lastRelay(text) : from < 0 ? undefined : relayAt(text, from + 7);
  if (isTls) event.outcome = 'failure';
  else event.reason = 'syntax';
  event.text = text;
  tell(event);
  return 'event';
};

/** `tcpwrappers (HOST, ADDRESS) rejection` */
const wrappersPattern = /^tcpwrappers \([^\s(),]{1,255}, ([\w.:]{2,50})\) rejection/;

export const readWrappers = (line: Line, tell: Tell): Understood => {
  const client = canonicalAddress(wrappersPattern.exec(line.text.slice(0, 400))?.[1] ?? '');
  if (client === undefined) return 'known';
  const event = draft(line, 'connect');
  event.client = client;
  event.outcome = 'rejected';
  event.reason = 'policy';
  tell(event);
  return 'event';
};

/** `rejecting EHLO from HOST [ADDRESS] due to traffic before response`: the command is Sendmail's word. */
const earlyPattern = /^rejecting [A-Za-z]{1,12} from /;

export const readBeforeHost = (line: Line, tell: Tell): Understood | undefined => {
  const early = line.text.endsWith(' before response') ? earlyPattern.exec(line.text)?.[0] : undefined;
  const rule =
    early === undefined
      ? beforeHost.find(({ start }) => line.text.startsWith(start))
      : ({ start: early, kind: 'early-talk' } satisfies Behind);
  if (rule === undefined) return readBehind(line, tell);
  const event = draft(line, rule.kind);
  event.client = relayAt(line.text, rule.start.length);
  event.reason = rule.reason;
  tell(event);
  return 'event';
};
