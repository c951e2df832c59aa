/** On what a bench ran, and what a process used, as Linux tells it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { basename } from 'node:path';

/** Clock ticks per second, in which /proc counts CPU time. */
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** User and system time of all threads of a process so far (proc(5): fields 14 and 15, after the name in brackets). */
export const cpuSecondsOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
};

/**
 * The same of every process that this one can see, and of their children that have ended: in the lab, which has processes of
 * its own, all that a server, its load and the guard have used. It does not depend on what else the machine does.
 */
export const cpuSecondsOfAll = (): number => {
  let ticks = 0;
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      for (const field of fields.slice(11, 15)) ticks += Number(field);
    } catch {
      // It has ended meanwhile, and its parent has what it used.
    }
  }
  return ticks / ticksPerSecond;
};

/** A program by its own name, one that Node runs by its file. */
const programOf = (pid: string): string => {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  const script = words.slice(1).find((word) => !word.startsWith('-'));
  const [program = ''] = words;
  return program.endsWith('/node') && script !== undefined ? script.split('/').slice(-3).join('/') : basename(program);
};

/** The same by program and thread; what has ended counts for the process that started it. */
export const cpuSecondsByThread = (): ReadonlyMap<string, number> => {
  const found = new Map<string, number>();
  const add = (program: string, path: string, from: number, to: number, ended: string): void => {
    const stat = readFileSync(path, 'latin1');
    const close = stat.lastIndexOf(')');
    const name = `${program}: ${ended === '' ? stat.slice(stat.indexOf('(') + 1, close) : ended}`;
    for (const field of stat
      .slice(close + 2)
      .split(' ')
      .slice(from, to))
      found.set(name, (found.get(name) ?? 0) + Number(field) / ticksPerSecond);
  };
  for (const pid of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const program = programOf(pid);
      for (const thread of readdirSync(`/proc/${pid}/task`))
        add(program, `/proc/${pid}/task/${thread}/stat`, 11, 13, '');
      add(program, `/proc/${pid}/stat`, 13, 15, 'ended children');
    } catch {
      // It has ended meanwhile, and its parent has what it used.
    }
  }
  return found;
};

export const describeMachine = (): string => {
  const [{ model } = { model: 'unknown processor' }] = cpus();
  const today = new Date().toISOString().slice(0, 10);
  return `${today}, ${cpus().length} cores (${model}), Linux ${release()}, Node ${process.versions.node}`;
};

export const medianOf = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

/** A Markdown table; the first row is its head. */
export const tableOf = (rows: readonly (readonly string[])[]): string => {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
};
