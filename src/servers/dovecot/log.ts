/** The Dovecot log, 2.3 and 2.4, by syslog (`dovecot: imap-login: …`) or its own file (`… imap-login: Info: …`). */
import { draftEvent } from '../../model/event.ts';
import type { Tell } from '../../model/ports.ts';
import type { LineGrammar, SyslogGrammar, Understood } from '../grammar.ts';
import { readAuth, readPam } from './auth.ts';
import { newChain } from './chain.ts';
import type { Chain } from './chain.ts';
import { isLoginProcess, readLogin } from './login.ts';

const processes = new Set([
  'auth',
  'auth-worker',
  'imap',
  'pop3',
  'submission',
  'managesieve',
  'lmtp',
  'lda',
  'master',
  'config',
  'anvil',
  'log',
  'stats',
  'old-stats',
  'indexer',
  'indexer-worker',
  'doveadm',
  'dict',
  'dict-async',
  'director',
  'replicator',
  'aggregator',
  'ipc',
  'imap-hibernate',
  'imap-urlauth',
  'imap-urlauth-login',
  'imap-urlauth-worker',
  'dns-client',
  'dns_client',
  'quota-status',
  'ssl-params',
  'tcpwrap',
  'script',
  'script-login',
  'health-check',
  'imap-login',
  'pop3-login',
  'submission-login',
  'managesieve-login',
  'welcome',
  'lmtp-proxy',
  'sieve',
  'dsync',
  'dsync-local',
  'dsync-server',
  'compression',
  'userdb',
  'auth-client',
  'fts',
]);

/** mail_log_prefix is the postmaster's: Plesk's begins with `service=imap, user=…`. */
const prefixPattern = /^\w[\w-]{0,40}[=(<[]/;

/** What the master process of 1.x wrote without its name. */
const masterWords = [
  'Dovecot ',
  'SIGHUP ',
  'Killed with ',
  'Generating ',
  'SSL parameters ',
  'Time just moved ',
  'Temporary ',
];

/** A server that cannot ask its accounts says nothing about passwords. */
const faults: ReadonlySet<string> = new Set(['Error: ', 'Fatal: ', 'Panic: ']);
const isFault = (level: string | undefined): boolean => level !== undefined && faults.has(level);

const isNameless = (message: string): boolean =>
  prefixPattern.test(message) || masterWords.some((start) => message.startsWith(start));

const levels = ['Info: ', 'Warning: ', 'Error: ', 'Fatal: ', 'Panic: ', 'Debug: '];

/** End of the process name: it is followed by `(user)`, `<pid>` or a colon. */
const nameLength = (message: string): number => {
  for (let at = 0; at < message.length && at < 32; at++) {
    const code = message.charCodeAt(at);
    if (code === 58 || code === 40 || code === 60) return at;
    if (code === 32) return 0;
  }
  return 0;
};

/** The last one in the line is Dovecot's: a message id, which a sender wrote, stands before it. */
const savings = [': saved mail to ', ': stored mail into ', ': save failed to ', ': failed to store into '];

/** `lmtp(user)<pid><id>: msgid=<…>: saved mail to INBOX`: the user is a mailbox of ours. */
const readLmtp = (time: number, message: string, tell: Tell): Understood => {
  const ends = savings.map((words) => message.lastIndexOf(words));
  const at = Math.max(...ends);
  if (at < 0) return 'known';
  const failed = ends.indexOf(at) >= 2;
  const text = message.slice(at + 2);
  const event = draftEvent(time, 'dovecot', 'delivery');
  event.outcome = failed ? 'deferred' : 'sent';
  event.remote = false;
  event.protocol = 'lmtp';
  event.recipient = message.slice(message.indexOf('(') + 1, message.indexOf(')'));
  if (failed && text.includes('uota')) {
    event.outcome = 'bounced';
    event.dsn = '5.2.2';
  }
  event.text = text;
  tell(event);
  return 'event';
};

/** `pam_unix(dovecot:auth): …` and its kin. */
const isPam = (text: string): boolean => text.startsWith('pam_') && /^pam_\w{2,20}\(dovecot/.test(text);
/** PAM speaks under these tags too; nothing else of theirs is Dovecot's. */
const pamPrograms: ReadonlySet<string> = new Set(['auth', 'dovecot-auth']);

const readMessage = (time: number, message: string, chain: Chain, tell: Tell): Understood => {
  const pam = message.startsWith('auth: ') ? message.slice(6) : message;
  if (isPam(pam)) return readPam(time, pam, tell);
  const length = nameLength(message);
  const name = message.slice(0, length);
  // Services have any name that a postmaster gives them.
  if (length === 0) return isNameless(message) ? 'known' : 'unmatched';
  // The auth and login processes write their name alone; the others' `(user)<pid>` names an account that logged in.
  const bare = message.startsWith(': ', length);
  const colon = bare ? length : message.indexOf(': ', length);
  let text = colon < 0 ? '' : message.slice(colon + 2);
  const level = levels.find((word) => text.startsWith(word));
  if (level !== undefined) text = text.slice(level.length);
  if (name === 'auth' || name === 'auth-worker') {
    if (!bare) return readAuth(time, message, chain, tell);
    return isFault(level) ? 'known' : readAuth(time, text, chain, tell);
  }
  if (bare && isLoginProcess(name)) return readLogin(time, name, text, chain, tell);
  return name === 'lmtp' && message.charCodeAt(length) === 40 ? readLmtp(time, message, tell) : 'known';
};

export const dovecotGrammar: SyslogGrammar = {
  // instance_name is the tag.
  owns: (program) => program.startsWith('dovecot') || pamPrograms.has(program),
  reader: () => {
    const chain = newChain();
    return {
      read: (time, program, _pid, message, tell) =>
        pamPrograms.has(program) && !isPam(message) ? 'foreign' : readMessage(time, message, chain, tell),
    };
  },
};

/** A stamp, then a process that only Dovecot has, then a level word: that is its own file. */
const isOwnLine = (rest: string): boolean => {
  const length = nameLength(rest);
  if (length === 0 || !processes.has(rest.slice(0, length))) return false;
  const colon = rest.indexOf(': ', length);
  return colon > 0 && levels.some((word) => rest.startsWith(word, colon + 2));
};

const stampLength = (line: string): number => (line.charCodeAt(0) >= 48 && line.charCodeAt(0) <= 57 ? 19 : 15);

export const dovecotFileGrammar: LineGrammar = {
  format: 'dovecot',
  recognises: (line) => isOwnLine(line.slice(stampLength(line) + 1)),
  reader: (stamps) => {
    const chain = newChain();
    return {
      read: (line, tell) => {
        const end = stamps.read(line, 0);
        if (end < 0 || line.charCodeAt(end) !== 32) return 'foreign';
        const rest = line.slice(end + 1);
        return isOwnLine(rest) ? readMessage(stamps.time, rest, chain, tell) : 'foreign';
      },
    };
  },
};
