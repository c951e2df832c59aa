/**
 * The Sendmail log (8.x): `QUEUEID: key=value, …` from the daemon (`sm-mta`, `sendmail`), the submission program
 * (`sendmail`, `sm-msp-queue`) and its queue runners. A queue id is given to every session, also to one without mail.
 */
import { keep } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import type { SyslogGrammar, Understood } from '../grammar.ts';
import { readBounce, readFrom, readTo } from './delivery.ts';
import { draft } from './line.ts';
import type { Line } from './line.ts';
import { isKnown } from './known.ts';
import { newMemory, newMessage } from './memory.ts';
import type { SendmailMemory } from './memory.ts';
import { readCollect, readMilter, readRecipient, readRuleset, readTooLarge, readTooMany } from './refusal.ts';
import { readBeforeHost, readHostLine, readLogin, readLoginFailure, readWrappers } from './session.ts';

type Reader = (line: Line, memory: SendmailMemory, tell: Tell) => Understood;

const readQuarantine: Reader = (line, _memory, tell) => {
  const event = draft(line, 'queue');
  event.reason = 'hold';
  event.text = line.text;
  tell(event);
  return 'event';
};

/** `Authentication-Warning: HOST: USER set sender to ADDRESS using -f`: who handed the message in. */
const readWarning: Reader = (line, memory) => {
  const user = /^Authentication-Warning: [^ ]+: ([^ ]+) set sender to /.exec(line.text.slice(0, 300))?.[1];
  if (user !== undefined) memory.messages.set(line.queueId, { ...newMessage(), user: keep(user) });
  return 'known';
};

const starts: readonly (readonly [string, Reader])[] = [
  ['from=', readFrom],
  ['to=', readTo],
  ['<', readRecipient],
  ['ruleset=', readRuleset],
  ['AUTH=server, relay=', readLogin],
  ['AUTH failure', readLoginFailure],
  ['AUTH decode64 error', readLoginFailure],
  ['Too many recipients', readTooMany],
  ['collect: ', readCollect],
  ['message size (', readTooLarge],
  ['Authentication-Warning: ', readWarning],
  ['quarantine=', readQuarantine],
  ['Milter', readMilter],
  ['tcpwrappers (', (line, _memory, tell) => readWrappers(line, tell)],
];

const isQueueIdChar = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);

/** `6AL0AVmF010764`: fourteen letters and digits. Older ones are `AAA12345`. */
const queueIdLength = (message: string): number => {
  let end = 0;
  while (end < 20 && isQueueIdChar(message.charCodeAt(end))) end++;
  if (end < 8 || message.charCodeAt(end) !== 58 || message.charCodeAt(end + 1) !== 32) return 0;
  // The sequence number of the day and the process id: a queue id always ends in digits.
  return message.charCodeAt(end - 1) <= 57 && message.charCodeAt(end - 2) <= 57 ? end : 0;
};

const bounceWords = ['DSN: ', 'return to sender: ', 'postmaster notify: ', 'sender notify: '];

const readLine = (line: Line, memory: SendmailMemory, tell: Tell): Understood => {
  const { text } = line;
  const found = starts.find(([start]) => text.startsWith(start));
  if (found !== undefined) return found[1](line, memory, tell);
  const nested = queueIdLength(text);
  if (nested > 0) {
    const words = text.slice(nested + 2);
    if (bounceWords.some((start) => words.startsWith(start)))
      return readBounce(line, memory, text.slice(0, nested), words, tell);
    return words.startsWith('clone') ? 'known' : 'unmatched';
  }
  const told = readBeforeHost(line, tell) ?? readHostLine(line, memory, tell);
  if (told !== undefined) return told;
  return isKnown(text) ? 'known' : 'unmatched';
};

/** The tag is chosen by -L: `sm-mta`, `sm-mta-in`, `sm-msp-queue`, `sendmail`, `sendmail-client`. */
const tagPattern = /^(?:sendmail|sm-(?:mta|msp|client|que|acceptingconnections))(?:[-_.][-\w.]{1,60})?$/;

export const sendmailGrammar: SyslogGrammar = {
  owns: (program) => tagPattern.test(program),
  reader: () => {
    const memory = newMemory();
    const line: Line = { time: 0, pid: '', queueId: '', text: '' };
    return {
      read: (time, _program, pid, message, tell) => {
        const length = queueIdLength(message);
        line.time = time;
        line.pid = pid;
        line.queueId = length === 0 ? '' : message.slice(0, length);
        line.text =
          length === 0 ? (message.startsWith('NOQUEUE: ') ? message.slice(9) : message) : message.slice(length + 2);
        return readLine(line, memory, tell);
      },
    };
  },
};
