/**
 * Exim is told to ask through readsocket, by ACLs of ours (acl.ts) in front of its own: a stage's own ACL begins with
 * `require acl = postern_STAGE`, a stage without one gets ours. The configuration may be one file, or Debian's conf.d, where
 * update-exim4.conf(8) puts many together in the order of their names; what is new there is in files of our own.
 */
import type { Change } from '../change.ts';
import type { ConnectionLimits, Endpoints } from '../wiring.ts';
import { eximAcls } from './acl.ts';

export type EximFile = { readonly path: string; readonly text: string };

export type EximLayout = {
  /** In the order in which Exim reads them. */
  readonly files: readonly EximFile[];
  /** The file with our ACLs. */
  readonly include: string;
  /** Where new settings and the `.include` go when no file of the layout is to take them: Debian's conf.d. */
  readonly own?: { readonly main: string; readonly acl: string };
};

export type EximChange =
  | { readonly kind: 'changed'; readonly files: readonly EximFile[]; readonly lines: readonly string[] }
  | Exclude<Change, { readonly kind: 'changed' }>;

const stages = ['connect', 'helo', 'auth', 'mail', 'rcpt', 'predata', 'data', 'quit', 'notquit'];

/** One line of one file, and whether the ACL section has begun before it. */
type Line = { readonly file: number; readonly at: number; readonly text: string; readonly inAcls: boolean };

const beginPattern = /^begin[ \t]+(\w+)/;

const linesOf = (files: readonly EximFile[]): readonly Line[] => {
  let section = '';
  return files.flatMap(({ text }, file) =>
    text.split('\n').map((line, at) => {
      const begin = beginPattern.exec(line)?.[1];
      if (begin !== undefined) section = begin;
      return { file, at, text: line, inAcls: section === 'acl' };
    }),
  );
};

/** `NAME = value` of a line, or undefined. */
const assignmentOf = (line: string): readonly [string, string] | undefined => {
  const parts = /^[ \t]*(\w+)[ \t]*=[ \t]*(.*)$/.exec(line);
  return parts === null ? undefined : [parts[1] ?? '', (parts[2] ?? '').trim()];
};

const isMacro = (text: string): boolean => /^[A-Z]\w*$/.test(text);

/** What a setting of the main section says; a macro stands for what it was first given, as Debian's template gives it. */
const settingIn = (lines: readonly Line[], name: string): string | undefined => {
  let found: string | undefined;
  const first = new Map<string, string>();
  for (const { text, inAcls } of lines) {
    const assignment = inAcls ? undefined : assignmentOf(text);
    if (assignment === undefined) continue;
    if (assignment[0] === name) [, found] = assignment;
    if (!first.has(assignment[0])) first.set(...assignment);
  }
  return found !== undefined && isMacro(found) ? (first.get(found) ?? found) : found;
};

const callOf = (stage: string): string => `  require acl = postern_${stage}`;

/** New lines, by the line before them. */
type Additions = Map<Line, string>;

const withAdditions = (files: readonly EximFile[], lines: readonly Line[], added: Additions): readonly EximFile[] =>
  files.flatMap((file, at) => {
    if (![...added.keys()].some((line) => line.file === at)) return [];
    const text = lines
      .filter((line) => line.file === at)
      .map((line) => `${line.text}${added.get(line) ?? ''}`)
      .join('\n');
    return [{ path: file.path, text }];
  });

type Stages = { readonly calls: Additions; readonly settings: readonly string[]; readonly told: readonly string[] };

/** What each stage needs: a call at the beginning of its own ACL, or a setting. @returns why a person has to do it */
const stagesOf = (lines: readonly Line[]): Stages | string => {
  const calls: Additions = new Map();
  const settings: string[] = [];
  const told: string[] = [];
  for (const stage of stages) {
    const setting = settingIn(lines, `acl_smtp_${stage}`);
    if (setting === `postern_${stage}`) continue;
    if (setting === undefined) {
      settings.push(`acl_smtp_${stage} = postern_${stage}`);
      continue;
    }
    const label = lines.findIndex(({ text, inAcls }) => inAcls && text.trim() === `${setting}:`);
    const line = lines[label];
    if (line === undefined)
      return `acl_smtp_${stage} = ${setting} is no ACL of this configuration: begin it with "require acl = postern_${stage}"`;
    if (lines[label + 1]?.text === callOf(stage)) continue;
    calls.set(line, `\n${callOf(stage)}`);
    told.push(`${setting}: require acl = postern_${stage}`);
  }
  return { calls, settings, told };
};

/** Exim's own default is 20 connections in all, whoever has them. */
const connectionsInAll = 100;

const limitsOf = (lines: readonly Line[], { connectionsAtOnce }: ConnectionLimits): readonly string[] =>
  connectionsAtOnce === 0 || settingIn(lines, 'smtp_accept_max_per_host') !== undefined
    ? []
    : [
        `smtp_accept_max_per_host = ${connectionsAtOnce}`,
        ...(settingIn(lines, 'smtp_accept_max') === undefined ? [`smtp_accept_max = ${connectionsInAll}`] : []),
      ];

/** @param limits also what one client may have at once, where the configuration says nothing of it */
export const setUpExim = ({ files, include, own }: EximLayout, limits?: ConnectionLimits): EximChange => {
  const lines = linesOf(files);
  const begin = lines.find(({ text }) => /^begin[ \t]+acl[ \t]*$/.test(text));
  if (begin === undefined)
    return {
      kind: 'by-hand',
      why: 'this configuration has no line "begin acl": name the file that has it (--file PATH)',
    };
  const wanted = stagesOf(lines);
  if (typeof wanted === 'string') return { kind: 'by-hand', why: wanted };
  const { calls, told } = wanted;
  const settings = [...wanted.settings, ...(limits === undefined ? [] : limitsOf(lines, limits))];
  const includeLine = `.include ${include}`;
  const included = lines.some(({ text }) => text.trim() === includeLine);
  if (included && calls.size === 0 && settings.length === 0) return { kind: 'nothing' };
  const more: EximFile[] = [];
  if (own === undefined) {
    if (!included) calls.set(begin, `\n\n${includeLine}`);
    // The main section ends where the first other one begins, which need not be that of the ACLs.
    const before = lines[lines.findIndex(({ text }) => beginPattern.test(text)) - 1];
    if (settings.length > 0 && before !== undefined)
      calls.set(before, `${calls.get(before) ?? ''}\n${settings.join('\n')}`);
  } else {
    if (!included) more.push({ path: own.acl, text: `${includeLine}\n` });
    const had = files.find(({ path }) => path === own.main)?.text ?? '';
    if (settings.length > 0) more.push({ path: own.main, text: had + settings.map((line) => `${line}\n`).join('') });
  }
  return {
    kind: 'changed',
    files: [...withAdditions(files, lines, calls), ...more],
    lines: [...settings, ...told, includeLine],
  };
};

export const eximInclude = ({ readsocket }: Endpoints): string =>
  eximAcls({ socket: `inet:${readsocket}`, timeoutSeconds: 3 });
