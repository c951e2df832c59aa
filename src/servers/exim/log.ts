/**
 * Exim's main, reject and panic log: `2026-11-21 00:00:26 [PID] [MESSAGE-ID] …`, in its own file or by syslog. Line by
 * line: Exim joins the lines of a message by its id, of a session by nothing (unless +pid).
 */
import type { Tell } from '../../model/ports.ts';
import { createStamps } from '../../protocols/syslog/stamps.ts';
import { utcZone } from '../../protocols/syslog/zone.ts';
import type { LineGrammar, SyslogGrammar, Understood } from '../grammar.ts';
import { newMemory } from './memory.ts';
import type { EximMemory } from './memory.ts';
import { readMessageLine } from './message.ts';
import { readSessionLine } from './session.ts';

/** `1xUYWo-0007S7-1Q`, from 4.97 on `1xUYWo-000000007S7-1Qab`: letters and digits in three parts. */
const idPattern = /^[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4}) /;

const idLength = (text: string): number => {
  if (text.charCodeAt(6) !== 45) return 0;
  const found = idPattern.exec(text);
  return found === null ? 0 : found[0].length - 1;
};

/** How long ` [PID] ` is; 0 without it. */
const pidLength = (text: string): number => {
  if (text.charCodeAt(0) !== 91) return 0;
  const close = text.indexOf('] ');
  return close > 0 && close <= 11 && /^\[\d+\]$/.test(text.slice(0, close + 1)) ? close + 2 : 0;
};
const afterPid = (text: string): string => text.slice(pidLength(text));

/** A command that was called so shortly before another and has handed nothing in may still do so. */
const callMs = 60_000;

/** Deliveries, queue runs, the daemon and questions: they hand nothing in. */
const handsNothingIn = / \d{1,5} args: [^ ]+ -(?:M|q|b[dptvPV])/;

/** `cwd=/var/www/site 4 args: /usr/sbin/sendmail -t -i`: where the command stood that this process was called by. */
const directoryIn = (text: string): string | undefined => {
  if (!text.startsWith('cwd=') || handsNothingIn.test(text)) return undefined;
  const end = text.search(/ \d{1,5} args: /);
  return end < 0 ? undefined : text.slice(4, end);
};

/** @returns where the command stood that hands in the message of this line */
const directoryFor = (time: number, text: string, pid: string, memory: EximMemory): string | undefined => {
  const own = directoryIn(text);
  if (pid !== '') {
    const known = memory.directories.get(pid);
    if (own !== undefined) memory.directories.set(pid, own);
    return known;
  }
  const { before, calledAt } = memory;
  memory.before = own === undefined || time - calledAt < callMs ? undefined : own;
  if (own !== undefined) memory.calledAt = time;
  else if (before !== undefined) memory.calledAt = 0;
  return before;
};

const readText = (time: number, whole: string, memory: EximMemory, tell: Tell): Understood => {
  const skipped = pidLength(whole);
  const text = whole.slice(skipped);
  const directory = directoryFor(time, text, whole.slice(0, skipped), memory);
  const length = idLength(text);
  if (length === 0) return readSessionLine(time, text, tell);
  const rest = text.slice(length + 1);
  // A refusal after DATA carries the id of the message that never was.
  return (
    readMessageLine(time, text.slice(0, length), rest, memory, tell, directory) ?? readSessionLine(time, rest, tell)
  );
};

/** `2026-11-21 00:00:26`: no other mail log begins with a date, a space and a clock and then no host. */
const recognises = (line: string): boolean => {
  if (line.charCodeAt(4) !== 45 || line.charCodeAt(10) !== 32 || line.charCodeAt(13) !== 58) return false;
  const rest = afterPid(
    line.slice(line.charCodeAt(19) === 46 ? line.indexOf(' ', 19) + 1 : 20).replace(/^[+-]\d{4} /, ''),
  );
  return (
    idLength(rest) > 0 || starts.some((start) => rest.startsWith(start)) || rest.includes(' authenticator failed for ')
  );
};
const starts = [
  'H=',
  'SMTP ',
  'Start queue run',
  'End queue run',
  'cwd=',
  'exim ',
  'no host name found',
  'rejected ',
  'Connection from [',
  'too many ',
  'ETRN ',
  'no IP address found',
  'TLS error',
  'daemon ',
  'unexpected disconnection',
  'configured error code',
  'Warning: ',
  'socket bind',
  'refused ',
  'temporarily refused ',
  'unqualified ',
  'ignoring AUTH=',
  'DKIM: ',
];

/** Headers of a rejected message, as the reject log repeats them: indented, or its own marks; and the lines that follow in a warning. */
const isHeaderDump = (line: string): boolean =>
  line.startsWith(' ') ||
  line === '' ||
  line.startsWith('I ') ||
  line.startsWith('P Received') ||
  line.startsWith('Envelope-') ||
  line.startsWith('-----') ||
  line.startsWith('\t') ||
  /^[A-Z*] /.test(line);

export const eximFileGrammar: LineGrammar = {
  format: 'exim',
  recognises,
  reader: (stamps) => {
    const memory = newMemory();
    let inDump = false;
    return {
      read: (line, tell) => {
        const end = line.charCodeAt(10) === 32 ? stamps.read(line, 0) : -1;
        if (end < 0 || line.charCodeAt(end) !== 32) return inDump && isHeaderDump(line) ? 'known' : 'foreign';
        inDump = true;
        return readText(stamps.time, line.slice(end + 1), memory, tell);
      },
    };
  },
};

/** syslog_processname may say more than `exim`. */
const tagPattern = /^exim\d?(?:[-_.][\w-]{1,30})?$/;

/** A line too long for syslog goes out in parts, `[1/3] …`: what happened, and to whom, stands in the first. */
const partPattern = /^\[(\d{1,3})[/\\]\d{1,3}\] /;

export const eximGrammar: SyslogGrammar = {
  owns: (program) => tagPattern.test(program),
  reader: () => {
    const memory = newMemory();
    // With syslog_timestamp Exim writes its own stamp too; the header's is the one that counts.
    const own = createStamps(utcZone, () => 0);
    return {
      read: (time, _program, _pid, message, tell) => {
        const part = message.startsWith('[') ? partPattern.exec(message) : null;
        if (part !== null && part[1] !== '1') return 'known';
        const whole = part === null ? message : message.slice(part[0].length);
        const end = whole.charCodeAt(10) === 32 ? own.read(whole, 0) : -1;
        return readText(time, end > 0 ? whole.slice(end + 1) : whole, memory, tell);
      },
    };
  },
};
