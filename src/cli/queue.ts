import { chosenSpools } from '../guard/queue/walk.ts';
import { trace } from '../guard/queue/trace.ts';
import { Fault } from '../model/fault.ts';
import { nearest } from '../model/nearest.ts';
import { createQueueCount, groupings } from '../model/queue/groups.ts';
import type { Grouping } from '../model/queue/groups.ts';
import type { QueuedMessage } from '../model/queue/message.ts';
import { findLogs } from '../sense/logs/find.ts';
import { anyJson, jsonLine } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { eventLine, groupLines, messageLines, sourceWords, totalLines } from '../show/text/queue.ts';
import { styleFor } from '../show/text/style.ts';
import { isoTime } from '../show/text/time.ts';
import { jsonOption, zoneOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { createOutput } from './output.ts';
import { deskOptions } from './desk.ts';
import { deedNames, isDeed, runDeed } from './queue-deeds.ts';
import { conditionOf, finish, spoolsOf, walk } from './queue-reading.ts';
import { startReading } from './reading.ts';

const topText = 10;
const topJson = 500;
const shownByDefault: readonly Grouping[] = [
  'account',
  'user',
  'script',
  'relay',
  'sender',
  'domain',
  'reason',
  'age',
  'queue',
];

const topOf = (call: Call): number => {
  const text = call.options.get('top');
  if (text === undefined) return call.options.has('json') ? topJson : topText;
  const top = Number(text);
  if (!Number.isInteger(top) || top < 1) throw new Fault('USAGE', `--top ${text}: expected a whole number`);
  return top;
};

const groupingsOf = (call: Call): readonly Grouping[] => {
  const words = call.options.get('by')?.split(',');
  if (words === undefined) return shownByDefault;
  return words.map((word) => {
    const found = groupings.find((each) => each === word.trim());
    if (found !== undefined) return found;
    const guess = nearest(word, groupings);
    throw new Fault(
      'USAGE',
      `--by ${word}: ${guess === undefined ? `expected ${groupings.join(', ')}` : `did you mean ${guess}?`}`,
    );
  });
};

const overview = async (call: Call): Promise<number> => {
  const now = Date.now();
  const by = groupingsOf(call);
  const top = topOf(call);
  const isWanted = conditionOf(call);
  const count = createQueueCount(by, now);
  const walked = await walk(call, (message) => {
    if (isWanted(message, now)) count.add(message);
  });
  const output = createOutput(process.stdout);
  const totals = count.totals();
  const groups = by.map((each) => count.groups(each, top));
  if (call.options.has('json')) {
    const { spools, moving, damaged, damagedCount, notes } = walked;
    output.line(
      anyJson({ version: 1, taken: isoTime(now), spools, totals, groups, moving, damagedCount, damaged, notes }),
    );
  } else {
    const style = styleFor(process.stdout, process.env);
    for (const line of totalLines(totals, now, style)) output.line(line);
    for (const group of groups) for (const line of groupLines(group, now, style)) output.line(line);
  }
  await output.flush();
  return finish(call, walked);
};

const messageDocument = (message: QueuedMessage): object => ({ ...message, arrived: isoTime(message.arrived) });

const show = async (call: Call, id: string | undefined): Promise<number> => {
  if (id === undefined) throw new Fault('USAGE', 'postern queue show ID: which message?');
  const found: QueuedMessage[] = [];
  const walked = await walk(call, (message) => void (message.id === id && found.push(message)));
  const [first] = found;
  if (first === undefined)
    throw new Fault(
      'INPUT_UNREADABLE',
      `no message ${id} is in the queue: delivered or removed meanwhile? (postern queue trace ${id} looks into the logs)`,
    );
  const output = createOutput(process.stdout);
  const style = styleFor(process.stdout, process.env);
  for (const message of found) {
    if (call.options.has('json')) output.line(anyJson(messageDocument(message)));
    else for (const line of messageLines(message, Date.now(), style)) output.line(line);
  }
  await output.flush();
  return finish(call, walked);
};

/** In which logs to look: those that are named after the id, else those that are found here. */
const logsOf = async (named: readonly string[]): Promise<readonly string[]> =>
  named.length > 0 ? named : (await findLogs('/')).filter((log) => log.readable).map((log) => log.path);

const traceMessage = async (call: Call, id: string | undefined, named: readonly string[]): Promise<number> => {
  if (id === undefined) throw new Fault('USAGE', 'postern queue trace ID [LOG…]: which message?');
  const reading = startReading(call, await logsOf(named));
  const spools = call.options.has('spool') ? spoolsOf(call) : chosenSpools([]);
  const traced = await trace(id, spools, reading.options).finally(reading.done);
  const { message, events, eventCount } = traced;
  const output = createOutput(process.stdout);
  if (call.options.has('json')) output.line(anyJson(traced));
  else {
    const style = styleFor(process.stdout, process.env);
    output.line(`${style.strong(plain(id))}  ${sourceWords(traced)}`);
    output.line(message === undefined ? 'It is not in the queue now.' : '');
    if (message !== undefined) for (const line of messageLines(message, Date.now(), style)) output.line(line);
    if (events.length > 0) output.line(`\n${style.strong('In the logs')}`);
    for (const event of events) output.line(eventLine(event));
    if (eventCount > events.length) output.line(`  and ${eventCount - events.length} more`);
  }
  await output.flush();
  if (message === undefined && events.length === 0)
    throw new Fault(
      'INPUT_UNREADABLE',
      `neither the queue nor ${reading.options.paths.join(', ') || 'any log'} knows ${id}`,
    );
  return 0;
};

/** Every message, one JSON object a line: what the queue was at this moment, to compare or to keep. */
const snapshot = async (call: Call): Promise<number> => {
  const now = Date.now();
  const isWanted = conditionOf(call);
  const output = createOutput(process.stdout);
  const walked = await walk(
    call,
    (message) => {
      if (isWanted(message, now)) output.line(jsonLine(messageDocument(message)));
    },
    output.flush,
  );
  await output.flush();
  return finish(call, walked);
};

const run = async (call: Call): Promise<number> => {
  const [what, id, ...logs] = call.operands;
  if (isDeed(what)) return runDeed(call, what);
  switch (what ?? '') {
    case '':
      return overview(call);
    case 'show':
      return show(call, id);
    case 'trace':
      return traceMessage(call, id, logs);
    case 'snapshot':
      return snapshot(call);
    default:
      throw new Fault(
        'USAGE',
        `postern queue ${plain(what ?? '')}: expected show ID, trace ID, snapshot, ${deedNames.join(', ')}, or nothing`,
      );
  }
};

export const queueCommand: Command = {
  name: 'queue',
  usage: 'postern queue [show ID|trace ID [LOG…]|snapshot|hold|release|requeue|purge] [--where CONDITION]',
  summary: 'What waits in the queues of Postfix, Exim and Sendmail: who it is from, where to, and why it waits.',
  options: [
    { name: 'by', value: 'WORDS', sentence: `Group by some of ${groupings.join(', ')}.` },
    { name: 'top', value: 'N', sentence: 'How many of each group: 10, with --json 500.' },
    { name: 'where', value: 'CONDITION', sentence: 'Only these: account = "nicole" and age < 2h (docs/queue.md).' },
    {
      name: 'spool',
      value: 'DIR',
      sentence: 'The queue directory, where it is not at its usual place; several with commas.',
    },
    {
      name: 'log',
      value: 'FILE',
      sentence: 'Take from this log who handed in what: only the log of Sendmail knows the login; several with commas.',
    },
    { name: 'dry-run', sentence: 'hold, release, requeue, purge: only say what would be taken.' },
    { name: 'yes', sentence: 'The same: do not ask.' },
    jsonOption,
    zoneOption,
    ...deskOptions,
  ],
  examples: [
    'postern queue',
    'postern queue --by account,domain --where "age < 2h and not held"',
    'postern queue show 4jWfkR60Vjzbp',
    "postern queue hold --where 'account = nicole and age < 2h'",
  ],
  operandsMin: 0,
  operandsMax: Infinity,
  run,
};
