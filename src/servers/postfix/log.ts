/**
 * The Postfix log (2.x to 3.10): which daemon wrote a line decides how it is read. `postfix/submission/smtpd[1234]` is
 * the daemon smtpd of the service submission; a second instance has another syslog name (`postfix-out/smtpd`).
 */
import { keep } from '../../model/keep.ts';
import { beginsWithOneOf } from '../../protocols/starts.ts';
import type { Protocol } from '../../model/event.ts';
import type { SyslogGrammar, SyslogReader, Understood } from '../grammar.ts';
import { readDelivery } from './delivery.ts';
import { peerAt, peerEnd } from './line.ts';
import type { DaemonReader, Line, Program } from './line.ts';
import { newMemory } from './memory.ts';
import type { PostfixMemory } from './memory.ts';
import { readPostscreen } from './postscreen.ts';
import { readBounce, readCleanup, readPickup, readQmgr, readSuper } from './queue.ts';
import { readSmtpd } from './smtpd.ts';

/** Programs whose lines are Postfix's own business: start and stop, lookups, TLS sessions, caches. */
const readKnown: DaemonReader = () => 'known';

const daemons = new Map<string, DaemonReader>([
  ['smtpd', readSmtpd],
  ['postscreen', readPostscreen],
  ['pickup', readPickup],
  ['cleanup', readCleanup],
  ['qmgr', readQmgr],
  ['nqmgr', readQmgr],
  ['oqmgr', readQmgr],
  ['smtp', readDelivery],
  ['lmtp', readDelivery],
  ['local', readDelivery],
  ['virtual', readDelivery],
  ['pipe', readDelivery],
  ['error', readDelivery],
  ['retry', readDelivery],
  ['discard', readDelivery],
  ['qmqpd', readSmtpd],
  ['bounce', readBounce],
  ['defer', readBounce],
  ['trace', readBounce],
  ['postsuper', readSuper],
  ...[
    'master',
    'postfix-script',
    'postlogd',
    'postlog',
    'anvil',
    'scache',
    'tlsproxy',
    'tlsmgr',
    'dnsblog',
    'verify',
    'proxymap',
    'proxywrite',
    'trivial-rewrite',
    'flush',
    'showq',
    'spawn',
    'postdrop',
    'sendmail',
    'postqueue',
    'postmap',
    'postalias',
    'postcat',
    'postconf',
    'postkick',
    'postlock',
    'postmulti',
    'postmulti-script',
    'postfix',
    'proxy',
    'fsstone',
    'smtp-sink',
    'smtp-source',
    'nullmx',
    'postfix-tls-script',
    'newaliases',
    'mailq',
    'posttls-finger',
    'nbdb_reindexd',
  ].map((name): [string, DaemonReader] => [name, readKnown]),
]);

const isQueueIdChar = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
/** Words that stand before a colon as a queue id does. None holds a digit, and nearly every queue id does. */
const notQueueIds = new Set([
  'NOQUEUE',
  'warning',
  'fatal',
  'error',
  'panic',
  'statistics',
  'TLSRPT',
  'reject',
  'discard',
  'redirect',
  'filter',
  'prepend',
  'replace',
  'cache',
]);

/** Length of the queue id that the message begins with, 0 when it begins with none. */
const queueIdLength = (message: string): number => {
  let end = 0;
  let hasDigit = false;
  for (let code = 0; end < 20; end++) {
    code = message.charCodeAt(end);
    if (!isQueueIdChar(code)) break;
    if (code <= 57) hasDigit = true;
  }
  if (end < 5 || message.charCodeAt(end) !== 58 || message.charCodeAt(end + 1) !== 32) return 0;
  return !hasDigit && notQueueIds.has(message.slice(0, end)) ? 0 : end;
};

type Reader = Program & { readonly read: DaemonReader; readonly memory: PostfixMemory };

/** What any daemon may write (msg(3), dict(3), the TLS and Milter libraries), and some of what `-v` makes them write. */
const isOfAny = beginsWithOneOf([
  'warning: ',
  'error: ',
  'fatal: ',
  'panic: ',
  'table ',
  'close database ',
  'using backwards-compatible ',
  'See http',
  'to disable backwards compatibility',
  'initializing the ',
  'SASL ',
  'name_mask: ',
  'premature end-of-input',
  'connect to ',
  'unknown ',
  'discarding EHLO keywords',
  'SSL_connect',
  'SSL_accept',
  'SSL3 alert ',
  'TLS SNI ',
  'TLSRPT: ',
  'certificate verification failed for ',
  'client certificate verification failed for ',
  'issuer=',
  'SSL_set_fd ',
  'cannot ',
  'mapping DSN status ',
  'ignoring DNS RR: ',
  'skipping ',
  'cache ',
  'database ',
  'passing ',
  'status=deferred (',
  'running: ',
  'write to ',
  'read from ',
  '< ',
  '> ',
  '>>> ',
  '<<< ',
  'Untrusted: ',
  'Trusted: ',
  'Verified: ',
]);
/** `-v` begins a line with the name of the function that writes it, tls_loglevel 4 with an offset. */
const verbosePattern = /^(?:[a-z]\w{2,40}|[0-9a-f]{4}|send attr \w+|input attribute \w+|private\/[\w-]+): /;

const isOfAnyDaemon = ({ text, queueId }: Line): boolean =>
  isOfAny(text) ||
  // `NAME[ADDR]: replacing command …`, `NAME[ADDR]:25: Trusted: subject_CN=…`
  (peerAt(text, 0) !== undefined && text.charCodeAt(peerEnd.at) === 58) ||
  (queueId === '' && verbosePattern.test(text.slice(0, 60)));

/** Postfix's programs have a path as their tag, under any syslog_name; `foo/bar` with an unknown daemon is foreign. */
const daemonOf = (program: string): string | undefined => {
  const slash = program.lastIndexOf('/');
  const daemon = program.slice(slash + 1);
  return slash > 0 && daemons.has(daemon) ? daemon : undefined;
};

const protocolOf = (instance: string): Protocol =>
  instance.includes('submission') || instance.includes('smtps') || instance.includes('465') || instance.includes('587')
    ? 'submission'
    : 'smtp';

const programsMax = 1000;
/** Whoever may write to the syslog chooses the tag. */
const instancesMax = 100;

const createReader = (): SyslogReader => {
  const programs = new Map<string, Reader>();
  const memories = new Map<string, PostfixMemory>();
  const nobody: Program = { tag: '', daemon: '', protocol: 'smtp' };
  const line: Line = { time: 0, program: nobody, pid: '', queueId: '', text: '' };

  const programOf = (tag: string): Reader | undefined => {
    const daemon = daemonOf(tag);
    const read = daemon === undefined ? undefined : daemons.get(daemon);
    if (daemon === undefined || read === undefined) return undefined;
    const instance = tag.slice(0, tag.length - daemon.length - 1);
    // Queue ids are unique within an instance, which is the first part of the path.
    const name = instance.split('/')[0] ?? instance;
    const memory = memories.get(name) ?? newMemory();
    if (memories.size < instancesMax) memories.set(name, memory);
    const program = { tag: keep(tag), daemon, read, protocol: protocolOf(instance), memory };
    if (programs.size < programsMax) programs.set(program.tag, program);
    return program;
  };

  return {
    read: (time, tag, pid, message, tell): Understood => {
      const program = programs.get(tag) ?? programOf(tag);
      if (program === undefined) return 'foreign';
      line.time = time;
      line.program = program;
      line.pid = pid;
      const length = queueIdLength(message);
      line.queueId = length === 0 ? '' : message.slice(0, length);
      line.text =
        length === 0 ? (message.startsWith('NOQUEUE: ') ? message.slice(9) : message) : message.slice(length + 2);
      const understood = program.read(line, program.memory, tell);
      return understood === 'unmatched' && isOfAnyDaemon(line) ? 'known' : understood;
    },
  };
};

export const postfixGrammar: SyslogGrammar = {
  owns: (program) => daemonOf(program) !== undefined,
  reader: createReader,
};
