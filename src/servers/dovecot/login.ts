/**
 * Lines of the login processes: `Login: user=<USER>, method=…, rip=…, lip=…, session=<…>` and how a connection ended.
 * Behind the user name, which is the client's, stand only Dovecot's own fields: the last `, rip=` is the real one.
 */
import { canonicalAddress } from '../../model/address.ts';
import { draftEvent } from '../../model/event.ts';
import type { EventDraft, EventKind, Protocol, Reason } from '../../model/event.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import type { ToldSessions } from './auth.ts';

const protocols = new Map<string, Protocol>([
  ['imap-login', 'imap'],
  ['pop3-login', 'pop3'],
  ['submission-login', 'submission'],
  ['managesieve-login', 'sieve'],
]);

type Ending = { readonly mark: string; readonly kind: EventKind; readonly reason?: Reason };
/** How a connection ended without a login; the first mark that stands in Dovecot's own words is taken. */
const endings: readonly Ending[] = [
  { mark: 'Maximum number of connections', kind: 'limit', reason: 'concurrency' },
  { mark: 'user disabled', kind: 'auth', reason: 'disabled' },
  { mark: 'user_disabled', kind: 'auth', reason: 'disabled' },
  { mark: 'tried to use disallowed plaintext', kind: 'auth', reason: 'no-tls' },
  { mark: 'tried to use unsupported auth mechanism', kind: 'auth', reason: 'malformed' },
  { mark: 'auth failed', kind: 'auth', reason: 'bad-password' },
  { mark: '): Login failed to ', kind: 'auth', reason: 'bad-password' },
  { mark: 'Too many invalid commands', kind: 'command-error', reason: 'unknown-command' },
  { mark: 'Too many bad commands', kind: 'command-error', reason: 'unknown-command' },
];

const attemptsIn = (words: string): number => {
  const at = words.indexOf('auth failed, ');
  const attempts = at < 0 ? 1 : Number.parseInt(words.slice(at + 13, at + 19), 10);
  return attempts > 0 ? attempts : 1;
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
    session: sessionAt > ripAt ? text.slice(sessionAt + 11, -1) : undefined,
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

export const readLogin = (time: number, program: string, text: string, told: ToldSessions, tell: Tell): Understood => {
  const tail = tailOf(text);
  if (tail === undefined) return 'known'; // a complaint about TLS files or the auth socket names no client
  if (text.startsWith('Login: ')) {
    const event = draft(time, 'auth', program, tail);
    event.outcome = 'success';
    tell(event);
    return 'event';
  }
  const ending = endings.find(({ mark }) => tail.words.includes(mark));
  if (
    ending === undefined ||
    (ending.kind === 'auth' && tail.session !== undefined && told.get(tail.session) === true)
  ) {
    tell(draft(time, 'disconnect', program, tail));
    return 'event';
  }
  const event = draft(time, ending.kind, program, tail);
  event.reason = ending.reason;
  event.text = tail.words;
  if (ending.kind === 'auth') {
    event.outcome = 'failure';
    const attempts = attemptsIn(tail.words);
    if (attempts > 1) event.count = attempts;
  }
  tell(event);
  return 'event';
};
