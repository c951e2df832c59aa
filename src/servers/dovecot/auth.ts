/**
 * Lines of Dovecot's auth process with auth_verbose: `DRIVER(USER,ADDRESS,<SESSION>): TEXT`, in 2.4 (from its source)
 * `auth(USER,ADDRESS,sasl:MECH)<SESSION>: DRIVER: TEXT`. The user name is whatever a client sent and may imitate the rest;
 * the address and the session are the last fields before the last `): `.
 */
import { canonicalAddress } from '../../model/address.ts';
import { draftEvent } from '../../model/event.ts';
import type { Reason } from '../../model/event.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { noteTold, settle } from './chain.ts';
import type { Chain } from './chain.ts';

const failures: readonly (readonly [string, Reason])[] = [
  ['Password mismatch', 'bad-password'],
  ['password mismatch', 'bad-password'],
  ['CRYPT(', 'bad-password'],
  ['unknown user', 'unknown-account'],
  ['Unknown user', 'unknown-account'],
  ['user not found', 'unknown-account'],
  ['pam_authenticate() failed: Authentication service cannot retrieve', 'aborted'],
  ['pam_authenticate() failed: System error', 'aborted'],
  ['pam_authenticate() failed: User account has expired', 'disabled'],
  ['pam_authenticate() failed', 'bad-password'],
  ['invalid credentials', 'bad-password'],
  ['Invalid credentials', 'bad-password'],
  ['Login failed', 'bad-password'],
  ['Login attempt with empty password', 'bad-password'],
  ['Authentication failed', 'bad-password'],
  ['[AUTHENTICATIONFAILED]', 'bad-password'],
  ['user not authenticated', 'bad-password'],
  ['oauth2 failed', 'bad-password'],
  ['User unknown', 'unknown-account'],
  ['allow_nets check failed', 'policy'],
  ['Attempted login with password having illegal chars', 'malformed'],
  ['User found from deny passdb', 'disabled'],
  ['invalid password field', 'disabled'],
  ['Authentication failure due to policy server refusal', 'policy'],
  ['user disabled', 'disabled'],
  ['account disabled', 'disabled'],
  ['User is disabled', 'disabled'],
  ['Password expired', 'disabled'],
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

const nextDatabases = [' - trying the next passdb', ' - trying the next userdb'];

/** Behind these stands what the client gave (auth_debug_passwords, auth_verbose_passwords = plain), or what is wrong with its token. */
const passwordMark = '(given password: ';
const tokenMark = 'oauth2 failed: ';
const given = [
  [passwordMark, ''],
  [tokenMark, 'oauth2 failed'],
] as const;
/** The line without it. Where the mark stands once it is Dovecot's own: a client's would be a second one. */
const withoutGiven = (text: string): string => {
  const found = given.find(([mark]) => text.includes(mark) && text.indexOf(mark) === text.lastIndexOf(mark));
  if (found === undefined) return text;
  const [mark, words] = found;
  const before = `${text.slice(0, text.indexOf(mark))}${words}`.trimEnd();
  return `${before}${nextDatabases.find((suffix) => text.endsWith(suffix)) ?? ''}`;
};

/** Behind these the client's own text ends the line, and nothing in it can be relied on: the login line tells the failure. */
const clientTails = [
  passwordMark,
  tokenMark,
  '(username: ',
  'logging in as ',
  'lookup for login: ',
  '(trying to log in as user: ',
  'username changed ',
];

type Parts = {
  readonly subject: Subject | undefined;
  /** The password database, or the mechanism. */
  readonly driver: string;
  readonly words: string;
  readonly wordsAt: number;
  /** An error of the server's own. */
  readonly isFault: boolean;
};

const isFaultLevel = (level: string | undefined): boolean =>
  level === 'Error' || level === 'Fatal' || level === 'Panic';

/** 2.3: `DRIVER(USER,ADDRESS,<SESSION>): TEXT` */
const partsOf23 = (text: string): Parts | undefined => {
  const close = text.lastIndexOf('): ');
  if (close < 0) return undefined;
  // 'auth-worker(PID): ' stands there by syslog, and 'auth(default): ' in 1.x, and is no request.
  const process = /^auth(?:-worker)?\([\w-]{1,30}\): (?:([A-Z][a-z]{3,6}): )?(?=[\w-]{1,40}\(|conn unix:)/.exec(text);
  const pid = process?.[0].length ?? 0;
  const worker = text.startsWith('conn unix:', pid) ? text.indexOf('>: ', pid) + 3 : pid;
  const from = driverStart(text, worker);
  const open = text.indexOf('(', from);
  return {
    driver: text.slice(from, open).trimStart(),
    subject: open < 0 || open > close ? undefined : subjectOf(text.slice(open + 1, close)),
    words: text.slice(close + 3),
    wordsAt: close + 3,
    isFault: isFaultLevel(process?.[1]), // else its level stands before all of this
  };
};

const tailPattern =
  /^,sasl:[a-z0-9-]{1,30}(?:,master)?\)(?:<\d{1,10}>)?(?:<([^<>]{0,60})>)?(?:: request \[\d{1,10}\])?: (?:([A-Z][a-z]{3,6}): )?(?:([\w-]{1,40}): )?/;

/** 2.4: `auth(USER,ADDRESS,sasl:MECH)<SESSION>: DRIVER: TEXT` */
const partsOf24 = (text: string): Parts | undefined => {
  const mech = text.lastIndexOf(',sasl:');
  const tail = mech < 0 ? null : tailPattern.exec(text.slice(mech, mech + 200));
  if (tail === null) return undefined;
  const fields = text.slice(text.indexOf('(') + 1, mech);
  const comma = fields.lastIndexOf(',');
  const session = tail[1];
  const subject =
    comma < 0
      ? { account: fields, client: undefined, session }
      : { account: fields.slice(0, comma), client: canonicalAddress(fields.slice(comma + 1)), session };
  const wordsAt = mech + tail[0].length;
  return { subject, driver: tail[3] ?? '', words: text.slice(wordsAt), wordsAt, isFault: isFaultLevel(tail[2]) };
};

/** A user name may imitate either form: the later one in the line is Dovecot's. */
const partsOf = (text: string): Parts | undefined => {
  const old = partsOf23(text);
  const later = /^auth(?:-worker)?\(/.test(text) ? partsOf24(text) : undefined;
  return (later?.wordsAt ?? 0) > (old?.wordsAt ?? 0) ? later : old;
};

/**
 * Who looks at a password besides the databases (2.4 names no driver then). A client chooses its mechanism, at each login of
 * a session another one: what one says tells nothing of which database comes behind which.
 */
const mechanisms: ReadonlySet<string> = new Set(
  ' plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256 apop ntlm rpa otp skey gssapi gss-spnego xoauth2 oauthbearer external anonymous'.split(
    ' ',
  ),
);

const isOfDatabase = (reason: Reason, driver: string): boolean =>
  (reason === 'unknown-account' || reason === 'bad-password') && !mechanisms.has(driver);

/** Only a database's word can be another one's beginning. */
const reasonIn = ({ driver, words }: Parts, subject: Subject, reason: Reason, chain: Chain): Reason | undefined => {
  const { account, client, session = `${client},${account}` } = subject;
  if (!isOfDatabase(reason, driver)) {
    noteTold(chain, session);
    return reason;
  }
  const goesOn = nextDatabases.some((suffix) => words.endsWith(suffix));
  return settle(chain, { session, account }, driver, reason, goesOn);
};

/** @param line behind `auth: `, or the whole message when the process's name has the request in brackets (2.4) */
export const readAuth = (time: number, line: string, chain: Chain, tell: Tell): Understood => {
  const text = withoutGiven(line);
  if (clientTails.some((mark) => text.includes(mark))) return 'known';
  const parts = partsOf(text);
  if (parts === undefined || parts.isFault) return 'known';
  const { subject, words } = parts;
  const failure = failures.find(([start]) => words.startsWith(start));
  if (failure === undefined) return 'known';
  if (subject === undefined) return 'unmatched';
  if (subject.client === undefined) return 'known'; // a delivery or a quota asks for a mailbox: nobody logs in
  const reason = reasonIn(parts, subject, failure[1], chain);
  if (reason === undefined) return 'known';
  const event = draftEvent(time, 'dovecot', 'auth');
  event.outcome = 'failure';
  event.reason = reason;
  if (subject.account !== '') event.account = subject.account;
  event.client = subject.client;
  event.session = subject.session;
  event.password = passwordHashOf(words);
  event.text = words;
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
