import { once } from 'node:events';
import { startGuard } from '../guard/run.ts';
import type { GuardNews } from '../guard/notices/news.ts';
import type { Guard } from '../guard/run.ts';
import { readConfig } from '../guard/config.ts';
import { incidentHeadline } from '../show/text/incident.ts';
import { jsonLine } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { styleFor } from '../show/text/style.ts';
import { localTime } from '../show/text/time.ts';
import type { Call, Command } from './command.ts';
import { deskOptions } from './desk.ts';

/** How each is called in the lines at the start; docs/setup.md says how a server is told of it. */
const otherHooks = [
  ['milter', 'milter'],
  ['readsocket', 'exim'],
  ['authPolicy', 'dovecot'],
  ['gate', 'gate'],
  ['submission', '  STARTTLS'],
  ['submissions', '  TLS'],
] as const;

/** What the administrator needs to know at the start, in a few lines. */
const startLines = (guard: Guard, policy = guard.hooks.get('policy')): readonly string[] => [
  guard.logs.length === 0
    ? 'guards   no mail log yet: name one in the configuration (logs: [/var/log/mail.log])'
    : `guards   ${guard.logs.map(plain).join(', ')}`,
  ...guard.unreadable.map(
    (path) => `         ${plain(path)} is here but may not be read: run as root, or join the group adm`,
  ),
  `state    ${plain(guard.state)}`,
  ...(policy === undefined ? [] : [`policy   ${policy}; to let Postfix ask: postern setup postfix`]),
  ...otherHooks.flatMap(([name, words]) => {
    const endpoint = guard.hooks.get(name);
    return endpoint === undefined ? [] : [`${words.padEnd(8)} ${endpoint}`];
  }),
  ...(guard.learningUntil === undefined
    ? []
    : [`learning until ${localTime(guard.learningUntil)}: no answer harder than a delay or 4xx`]),
  'Ctrl-C stops; everything learned is kept.',
];

const newsDocument = (news: GuardNews): object => {
  if (news.kind === 'incident') return news.change;
  if (news.kind === 'proof') return { proof: news.turn, places: news.places, text: news.text };
  return news.kind === 'action' ? { action: news.text, incident: news.incident ?? null } : { problem: news.text };
};

const run = async (call: Call): Promise<number> => {
  const { values } = readConfig(call.options.get('config'));
  const chosen = new Map(values);
  const state = call.options.get('state');
  if (state !== undefined) chosen.set('state', state);
  if (call.operands.length > 0) chosen.set('logs', call.operands);
  const asJson = call.options.has('json');
  const style = styleFor(process.stdout, process.env);
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const tellNews = (news: GuardNews): void => {
    if (asJson) return print(jsonLine(newsDocument(news)));
    if (news.kind === 'problem') return void process.stderr.write(`postern: ${plain(news.text)}\n`);
    if (news.kind === 'proof')
      return print(`${localTime(Date.now())} ${news.turn === 'lost' ? style.warn('✗') : '✓'} ${plain(news.text)}`);
    if (news.kind === 'action') return print(`${localTime(Date.now())}   action ${plain(news.text)}`);
    const { change, incident } = news.change;
    const mark = change === 'opened' ? style.warn('!') : ' ';
    return print(
      `${localTime(change === 'opened' ? incident.recognised : incident.last)} ${mark} ${change.padEnd(6)} ${incidentHeadline(incident)}`,
    );
  };
  const guard = await startGuard(chosen, tellNews);
  if (asJson) print(jsonLine({ ready: { state: guard.state, logs: guard.logs, hooks: [...guard.hooks] } }));
  else for (const line of startLines(guard)) print(line);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await guard.stop();
  return 0;
};

export const runCommand: Command = {
  name: 'run',
  usage: 'postern run [--config FILE] [LOG…]',
  summary: 'The guard in the foreground: follows the mail logs, answers Postfix, says what it finds.',
  options: [...deskOptions, { name: 'json', sentence: 'Each piece of news as one JSON object a line.' }],
  examples: ['postern run', 'postern run --config /etc/postern/postern.yaml', 'postern run /var/log/mail.log'],
  operandsMin: 0,
  operandsMax: Infinity,
  run,
};
