/**
 * Lines of the login processes: `Login: user=<USER>, method=…, rip=…, lip=…, session=<…>` and how a connection ended.
 * Behind the user name, which is the client's, stand only Dovecot's own fields: the last `, rip=` is the real one.
 */
import { canonicalAddress } from '../../model/address.ts';
import { draftEvent } from '../../model/event.ts';
import type { EventDraft, EventKind, Protocol, Reason } from '../../model/event.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { isTold, noteTold, proven } from './chain.ts';
import type { Chain } from './chain.ts';

const protocols = new Map<string, Protocol>([
  ['imap-login', 'imap'],
  ['pop3-login', 'pop3'],
  ['submission-login', 'submission'],
  ['managesieve-login', 'sieve'],
]);

type Ending = { readonly mark: string; readonly kind: EventKind; readonly reason?: Reason };
/**
 * How a connection ended without a login (login-common of 2.3 and 2.4); the first mark that stands in Dovecot's own words is
 * taken. A server that cannot ask its accounts says nothing about passwords: aborted.
 */
const endings: readonly Ending[] = [
  { mark: 'Maximum number of connections', kind: 'limit', reason: 'concurrency' },
  { mark: 'connection limit reached', kind: 'limit', reason: 'concurrency' },
  { mark: 'user disabled', kind: 'auth', reason: 'disabled' },
  { mark: 'user_disabled', kind: 'auth', reason: 'disabled' },
  { mark: 'password expired', kind: 'auth', reason: 'disabled' },
  { mark: 'login disabled', kind: 'auth', reason: 'disabled' },
  { mark: 'authorization failed', kind: 'auth', reason: 'disabled' },
  { mark: 'tried to use disallowed', kind: 'auth', reason: 'no-tls' },
  { mark: 'SSL required for authentication', kind: 'auth', reason: 'no-tls' },
  { mark: 'text authentication disabled', kind: 'auth', reason: 'no-tls' },
  { mark: "cert required, client didn't start TLS", kind: 'auth', reason: 'no-tls' },
  { mark: 'tried to use unsupported auth mechanism', kind: 'auth', reason: 'malformed' },
  { mark: 'sent invalid base64', kind: 'auth', reason: 'malformed' },
  { mark: 'anonymous logins disabled', kind: 'auth', reason: 'malformed' },
  { mark: 'temporary failure', kind: 'auth', reason: 'aborted' },
  { mark: 'temporary authentication failure', kind: 'auth', reason: 'aborted' },
  { mark: 'auth process communication failure', kind: 'auth', reason: 'aborted' },
  { mark: 'aborted authentication', kind: 'auth', reason: 'aborted' },
  { mark: 'auth aborted by client', kind: 'auth', reason: 'aborted' },
  { mark: "client didn't finish SASL auth", kind: 'auth', reason: 'aborted' },
  { mark: 'auth failed', kind: 'auth', reason: 'bad-password' },
  { mark: 'proxy dest authentication failure', kind: 'auth', reason: 'bad-password' },
  { mark: '): Login failed', kind: 'auth', reason: 'bad-password' },
  { mark: 'Too many invalid', kind: 'command-error', reason: 'unknown-command' },
  { mark: 'Too many bad', kind: 'command-error', reason: 'unknown-command' },
  { mark: 'Too long input line', kind: 'command-error', reason: 'syntax' },
  { mark: 'Input buffer full', kind: 'command-error', reason: 'syntax' },
  { mark: 'SSL_accept() failed', kind: 'tls' },
];

const ends = ['Disconnected', 'Aborted login', 'Login aborted', 'Too many ', 'Input buffer full', 'Inactivity'];

const attemptsIn = (words: string): number => {
  const attempts = Number(/, (\d{1,6}) attempts/.exec(words.slice(-300))?.[1]);
  return attempts > 0 ? attempts : 1;
};

/** `proxy(USER,HOST:PORT): Started proxying to …: user=<USER>, …`: the host behind took the password. Only of a name that imitates nothing. */
const proxiedPattern =
  /^proxy\([^<>():]+(?:,[\w.:[\]-]{1,80})?\): [Ss]tarted proxying to [^()]{1,300}: user=<[^<>():]+>, /;
/** From 2.3.14 on it says how long that took, and only such a line does so right before its fields. */
const timedPattern =
  /^proxy\([^<>():]+(?:,[\w.:[\]-]{1,80})?\): Started proxying to .{1,300}? \(\d{1,6}\.\d{3} secs(?:, \d{1,6} reconnects)?\): user=<[^<>():]+>, /;
/** The fields stand there once: a name that holds them, too, is in the line twice. */
const isProxied = (text: string): boolean => {
  if (!text.startsWith('proxy(') || text.indexOf('user=<') !== text.lastIndexOf('user=<')) return false;
  const start = text.slice(0, 1000);
  return proxiedPattern.test(start) || timedPattern.test(start);
};

type Tail = {
  readonly words: string;
  readonly account: string | undefined;
  readonly client: string | undefined;
  readonly session: string | undefined;
};

const tailOf = (text: string): Tail | undefined => {
  const ripAt = text.lastIndexOf(', rip=');
  if (ripAt < 0) return undefined;
  const ripEnd = text.indexOf(',', ripAt + 6);
  const client = canonicalAddress(text.slice(ripAt + 6, ripEnd < 0 ? undefined : ripEnd));
  const userAt = text.indexOf('user=<');
  const userEnd = text.lastIndexOf('>', ripAt);
  const hasUser = userAt >= 0 && userEnd >= userAt + 6;
  const sessionAt = text.lastIndexOf(', session=<');
  return {
    words: hasUser ? text.slice(0, userAt) : text.slice(0, ripAt),
    account: hasUser && userEnd > userAt + 6 ? text.slice(userAt + 6, userEnd) : undefined,
    client,
    session: sessionAt > ripAt ? text.slice(sessionAt + 11, text.indexOf('>', sessionAt + 11)) : undefined,
  };
};

const draft = (time: number, kind: EventKind, program: string, tail: Tail): EventDraft => {
  const event = draftEvent(time, 'dovecot', kind);
  event.protocol = protocols.get(program);
  event.client = tail.client;
  event.account = tail.account;
  event.session = tail.session;
  return event;
};

export const isLoginProcess = (program: string): boolean => program.endsWith('-login');

export const readLogin = (time: number, program: string, text: string, chain: Chain, tell: Tell): Understood => {
  if (text.startsWith('ID sent: ')) return 'known'; // the client's own words
  const tail = tailOf(text);
  if (tail === undefined) return 'known'; // a complaint about TLS files or the auth socket names no client
  if (text.startsWith('Login: ') || text.startsWith('Logged in: ') || isProxied(text)) {
    const event = draft(time, 'auth', program, tail);
    event.outcome = 'success';
    proven(chain, tail);
    tell(event);
    return 'event';
  }
  const ending = endings.find(({ mark }) => tail.words.includes(mark));
  const wasTold = tail.session !== undefined && isTold(chain, tail.session);
  if (ending === undefined || (ending.kind === 'auth' && wasTold)) {
    if (!ends.some((start) => text.startsWith(start))) return 'known';
    tell(draft(time, 'disconnect', program, tail));
    return 'event';
  }
  const event = draft(time, ending.kind, program, tail);
  event.reason = ending.reason;
  event.text = tail.words;
  if (ending.kind === 'tls') event.outcome = 'failure';
  if (ending.kind === 'auth') {
    event.outcome = 'failure';
    const attempts = attemptsIn(tail.words);
    if (attempts > 1) event.count = attempts;
    if (tail.session !== undefined) noteTold(chain, tail.session);
  }
  tell(event);
  return 'event';
};
