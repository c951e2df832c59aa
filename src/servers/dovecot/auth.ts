/**
 * Lines of Dovecot's auth process with auth_verbose: `DRIVER(USER,ADDRESS,<SESSION>): TEXT`. The user name is whatever a
 * client sent and may imitate the rest; the address and the session are the last fields before the last `): `.
 */
import { canonicalAddress } from '../../model/address.ts';
import { draftEvent } from '../../model/event.ts';
import type { Reason } from '../../model/event.ts';
import { keep } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import type { Recent } from '../recent.ts';

/** Sessions whose failed attempts were told by auth lines: the login process will sum them up once more. */
export type ToldSessions = Recent<true>;

const failures: readonly (readonly [string, Reason])[] = [
  ['Password mismatch', 'bad-password'],
  ['password mismatch', 'bad-password'],
  ['CRYPT(', 'bad-password'],
  ['unknown user', 'unknown-account'],
  ['Unknown user', 'unknown-account'],
  ['user not found', 'unknown-account'],
  ['pam_authenticate() failed', 'bad-password'],
  ['invalid credentials', 'bad-password'],
  ['Invalid credentials', 'bad-password'],
  ['Login failed', 'bad-password'],
  ['Authentication failure due to policy server refusal', 'policy'],
  ['user disabled', 'disabled'],
  ['account disabled', 'disabled'],
  ['User is disabled', 'disabled'],
];

type Subject = { readonly account: string; readonly client: string | undefined; readonly session: string | undefined };

const subjectOf = (fields: string): Subject | undefined => {
  let rest = fields;
  let session: string | undefined;
  if (rest.endsWith('>')) {
    const open = rest.lastIndexOf(',<');
    if (open < 0) return undefined;
    session = rest.slice(open + 2, -1);
    rest = rest.slice(0, open);
  }
  const comma = rest.lastIndexOf(',');
  if (comma < 0) return { account: rest, client: undefined, session };
  return { account: rest.slice(0, comma), client: canonicalAddress(rest.slice(comma + 1)), session };
};

const passwordHashOf = (text: string): string | undefined => {
  const at = text.indexOf('SHA1 of given password: ');
  if (at < 0) return undefined;
  const end = text.indexOf(')', at);
  return text.slice(at + 24, end < 0 ? undefined : end);
};

/** A lookup that only reports how it went: `conn unix:auth-worker (pid=1,uid=0): auth-worker<3>: sql(…)` stands before the driver. */
const driverStart = (text: string, open: number): number => Math.max(text.lastIndexOf(' ', open), 0);

export const readAuth = (time: number, text: string, told: ToldSessions, tell: Tell): Understood => {
  // A logged plain password is the client's text behind everything we could rely on: the login line tells this failure.
  if (text.includes('(given password: ')) return 'known';
  const close = text.lastIndexOf('): ');
  if (close < 0) return 'known';
  const words = text.slice(close + 3);
  const failure = failures.find(([start]) => words.startsWith(start));
  if (failure === undefined) return 'known';
  const worker = text.startsWith('conn unix:') ? text.indexOf('>: ') + 3 : 0;
  const open = text.indexOf('(', driverStart(text, worker));
  const subject = open < 0 || open > close ? undefined : subjectOf(text.slice(open + 1, close));
  if (subject === undefined) return 'unmatched';
  const event = draftEvent(time, 'dovecot', 'auth');
  event.outcome = 'failure';
  event.reason = failure[1];
  if (subject.account !== '') event.account = subject.account;
  event.client = subject.client;
  event.session = subject.session;
  event.password = passwordHashOf(words);
  event.text = words;
  if (subject.session !== undefined) told.set(keep(subject.session), true);
  tell(event);
  return 'event';
};

/**
 * `pam_unix(dovecot:auth): authentication failure; … ruser=USER rhost=ADDRESS  user=USER`: both names are the client's, so a
 * line in which the host stands twice names nobody.
 */
export const readPam = (time: number, text: string, tell: Tell): Understood => {
  if (!text.includes('): authentication failure; ')) return 'known';
  const mark = ' rhost=';
  const at = text.indexOf(mark);
  const isClear = at >= 0 && text.lastIndexOf(mark) === at;
  const event = draftEvent(time, 'dovecot', 'auth');
  event.outcome = 'failure';
  event.reason = 'bad-password';
  if (isClear) {
    const end = text.indexOf(' ', at + mark.length);
    event.client = canonicalAddress(text.slice(at + mark.length, end < 0 ? undefined : end));
    const ruser = text.indexOf(' ruser=');
    const account = ruser < 0 ? '' : text.slice(ruser + 7, at);
    if (account !== '') event.account = account;
  }
  tell(event);
  return 'event';
};
