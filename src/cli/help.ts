/** Help and shell completion, both from the table of commands. */
import { fold } from '../show/text/style.ts';
import type { Command, CommandGroup } from './command.ts';

/** Fits every terminal. */
const width = 80;

const row = (name: string, nameWidth: number, text: string): readonly string[] =>
  fold(`  ${name.padEnd(nameWidth)}  ${text}`, width, nameWidth + 4);

const exitCodes = fold(
  'Exit: 0 done, 1 attack found (--fail-on-attack), 2 usage or configuration, 3 input unreadable, 4 refused for safety, 5 partly done, 6 guard not reachable.',
  width,
  6,
);

export const helpFor = (command: Command): string => {
  const options = [...command.options, { name: 'help', sentence: 'This text.' }];
  const flag = (option: (typeof options)[number]): string =>
    `--${option.name}${'value' in option && option.value !== undefined ? ` ${option.value}` : ''}`;
  const flagWidth = Math.max(...options.map((option) => flag(option).length));
  return [
    ...fold(command.summary, width, 0),
    '',
    ...fold(`Usage: ${command.usage}`, width, 7),
    '',
    ...options.flatMap((option) => row(flag(option), flagWidth, option.sentence)),
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
    ...exitCodes,
  ].join('\n');
};

/** The rest is in the help of the command itself. */
const firstSentence = (text: string): string => /^.*?[.?](?= |$)/.exec(text)?.[0] ?? text;

export const helpForAll = (groups: readonly CommandGroup[]): string => {
  const nameWidth = Math.max(...groups.flatMap(({ commands }) => commands.map(({ name }) => name.length)));
  return [
    ...fold(
      "Postern defends mail servers: it sees every attack in the server's own log, and stops it at SMTP time.",
      width,
      0,
    ),
    '',
    'Usage: postern COMMAND [OPTIONS]   (postern alone looks around, changes nothing)',
    ...groups.flatMap(({ title, commands }) => [
      '',
      title,
      ...commands.flatMap(({ name, summary }) => row(name, nameWidth, firstSentence(summary))),
    ]),
    '',
    'postern COMMAND --help says more. Under attack: docs/three-in-the-morning.md',
    '',
    ...exitCodes,
  ].join('\n');
};

const bash = (commands: readonly Command[]): string => {
  const cases = commands.map(
    (command) =>
      `    ${command.name}) words="${command.options.map((option) => `--${option.name}`).join(' ')} --help" ;;`,
  );
  return [
    '_postern() {',
    '  local word="${COMP_WORDS[COMP_CWORD]}" words',
    '  case "${COMP_WORDS[1]}" in',
    ...cases,
    `    *) words="${commands.map((command) => command.name).join(' ')} --help --version" ;;`,
    '  esac',
    '  if [ "$COMP_CWORD" -gt 1 ] && [ "${word#-}" = "$word" ]; then COMPREPLY=($(compgen -f -- "$word")); return; fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    '}',
    'complete -o filenames -F _postern postern bin/postern',
  ].join('\n');
};

const zsh = (commands: readonly Command[]): string =>
  ['#compdef postern', 'autoload -U +X bashcompinit && bashcompinit', bash(commands)].join('\n');

const fish = (commands: readonly Command[]): string => {
  const quoted = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;
  return commands
    .flatMap((command) => [
      `complete -c postern -n __fish_use_subcommand -a ${command.name} -d ${quoted(command.summary)}`,
      ...command.options.map(
        (option) =>
          `complete -c postern -n ${quoted(`__fish_seen_subcommand_from ${command.name}`)} -l ${option.name} -d ${quoted(option.sentence)}`,
      ),
    ])
    .join('\n');
};

export const completions = new Map<string, (commands: readonly Command[]) => string>([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
]);
