/** The command line: finds the command, reads its options, runs it, and turns a failure into words and an exit status. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Fault, faultCodes } from '../model/fault.ts';
import { nearest } from '../model/nearest.ts';
import { plain } from '../show/text/plain.ts';
import type { Call, Command } from './command.ts';
import { helpFor, helpForAll } from './help.ts';
import { watchWriting } from './output.ts';

const version = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
};

const callOf = (command: Command, args: readonly string[]): Call | 'help' => {
  const options = Object.fromEntries([
    ...command.options.map(
      (option) =>
        [option.name, { type: option.value === undefined ? ('boolean' as const) : ('string' as const) }] as const,
    ),
    ['help', { type: 'boolean' as const, short: 'h' }] as const,
  ]);
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    const typed = /'--?([^' ]+)/.exec(error instanceof Error ? error.message : '')?.[1] ?? '';
    const guess = nearest(
      typed,
      command.options.map((option) => option.name),
    );
    const reason = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
    throw new Fault(
      'USAGE',
      `${reason}${guess === undefined || guess === typed ? '' : `; did you mean --${guess}?`} (postern ${command.name} --help)`,
      { cause: error },
    );
  }
  if (parsed.values['help'] === true) return 'help';
  const count = parsed.positionals.length;
  if (count < command.operandsMin)
    throw new Fault('USAGE', `${command.usage}: something is missing (postern ${command.name} --help)`);
  if (count > command.operandsMax)
    throw new Fault('USAGE', `${command.usage}: too many arguments (postern ${command.name} --help)`);
  return {
    options: new Map(Object.entries(parsed.values).map(([name, value]) => [name, String(value)])),
    operands: parsed.positionals,
  };
};

/** Loaded without the others, which would take twice as long and 17 MB that a long log needs. */
const alone: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['analyze', async () => (await import('./analyze.ts')).analyzeCommand],
  ['explain', async () => (await import('./explain.ts')).explainCommand],
  ['parse', async () => (await import('./parse.ts')).parseCommand],
]);

/** @throws Fault USAGE when there is no such command */
const commandOf = async (name: string): Promise<Command> => {
  const load = alone.get(name);
  if (load !== undefined) return load();
  const { commands } = await import('./commands.ts');
  const command = commands.find((each) => each.name === name);
  if (command !== undefined) return command;
  const guess = nearest(
    name,
    commands.map((each) => each.name),
  );
  throw new Fault(
    'USAGE',
    `there is no command ${plain(name)}${guess === undefined ? '' : `; did you mean ${guess}?`} (postern --help)`,
  );
};

const main = async (args: readonly string[]): Promise<number> => {
  const [name, ...rest] = args;
  if (name === undefined) return (await import('./tour.ts')).tour();
  if (name === '--help' || name === '-h' || name === 'help') {
    const { groups } = await import('./commands.ts');
    const [about] = rest;
    process.stdout.write(`${about === undefined ? helpForAll(groups) : helpFor(await commandOf(about))}\n`);
    return 0;
  }
  if (['--version', '-V', 'version'].includes(name)) {
    process.stdout.write(`postern ${version()}\n`);
    return 0;
  }
  const command = await commandOf(name);
  const call = callOf(command, rest);
  if (call !== 'help') return command.run(call);
  process.stdout.write(`${helpFor(command)}\n`);
  return 0;
};

/** What the system refuses is said without a stack; our own mistake with it. Neither may look like "an attack was found" (1). */
const wordsFor = (error: unknown): readonly [words: string, code: number] => {
  if (error instanceof Fault) return [error.message, faultCodes[error.code]];
  if (!(error instanceof Error)) return [String(error), faultCodes.PARTLY_DONE];
  if (!('syscall' in error))
    return [`this is a mistake in Postern, please report it:\n${error.stack ?? error.message}`, faultCodes.PARTLY_DONE];
  const wayOut = 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM') ? ': ask as root (sudo)' : '';
  return [`${error.message}${wayOut}`, faultCodes.INPUT_UNREADABLE];
};

const isWritten = watchWriting(process.stdout);
watchWriting(process.stderr);
process.on('exit', (code) => {
  if (code === 0 && !isWritten()) process.exitCode = faultCodes.PARTLY_DONE;
});
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const [words, code] = wordsFor(error);
  for (const line of words.split('\n')) process.stderr.write(`postern: ${plain(line)}\n`);
  process.exitCode = code;
}
