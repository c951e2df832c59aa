/** Help and shell completion, both from the table of commands. */
import type { Command } from './command.ts';

const exitCodes =
  'Exit: 0 done, 1 attack found (--fail-on-attack), 2 usage or configuration, 3 input unreadable, 4 refused for safety, 5 partly done, 6 guard not reachable.';

export const helpFor = (command: Command): string => {
  const options = [...command.options, { name: 'help', sentence: 'This text.' }];
  const flag = (option: (typeof options)[number]): string =>
    `--${option.name}${'value' in option && option.value !== undefined ? ` ${option.value}` : ''}`;
  const width = Math.max(...options.map((option) => flag(option).length));
  return [
    command.summary,
    '',
    `Usage: ${command.usage}`,
    '',
    ...options.map((option) => `  ${flag(option).padEnd(width)}  ${option.sentence}`),
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
    exitCodes,
  ].join('\n');
};

export const helpForAll = (commands: readonly Command[]): string =>
  [
    "Postern defends mail servers: it sees every attack in the server's own log, and stops it at SMTP time.",
    '',
    'Usage: postern COMMAND [OPTIONS]     (postern alone looks around and changes nothing)',
    '',
    ...commands.map((command) => `  ${command.name.padEnd(11)} ${command.summary}`),
    '',
    'postern COMMAND --help says more. Example:',
    '  postern analyze /var/log/mail.log*',
    '',
    exitCodes,
  ].join('\n');

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
