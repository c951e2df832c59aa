/** `postern evidence`: what was purged, and each message of it as a file that mail programs open, with its envelope beside it. */
import { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../guard/config.ts';
import { evidenceFolder } from '../guard/desk.ts';
import { readEvidence } from '../helper/evidence-file.ts';
import { Fault } from '../model/fault.ts';
import { keptMessage, messageKey } from '../servers/kept-message.ts';
import type { KeptFile } from '../servers/kept-message.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { counted, grouped } from '../show/text/table.ts';
import { isoTime } from '../show/text/time.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, stateOf } from './desk.ts';

const list = (call: Call, folder: string): number => {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.evidence')) : [];
  const files = names.toSorted().map((name) => {
    const { size, mtimeMs } = lstatSync(join(folder, name));
    return { name, bytes: size, written: isoTime(mtimeMs) };
  });
  if (call.options.has('json')) process.stdout.write(`${anyJson({ version: 1, folder, files })}\n`);
  else if (files.length === 0) process.stdout.write('Nothing was purged, or its evidence is gone.\n');
  else
    for (const { name, bytes, written } of files)
      process.stdout.write(`${written}  ${grouped(bytes).padStart(15)} bytes  ${plain(join(folder, name))}\n`);
  return 0;
};

/** A name of a queue file, and nothing that would lead elsewhere. */
const safeName = (key: string): string => key.replaceAll(/[^0-9A-Za-z-]/g, '_').slice(0, 100);

/** @returns how many messages were written, and which could not be */
const exportTo = (path: string, to: string): { readonly count: number; readonly bad: readonly string[] } => {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  let count = 0;
  const bad: string[] = [];
  let key = '';
  let files: KeptFile[] = [];
  let isCut = false;
  const close = (): void => {
    if (files.length === 0 && !isCut) return;
    const message = isCut ? undefined : keptMessage(files);
    if (message === undefined) bad.push(key);
    else {
      const name = join(to, safeName(key));
      const write = (ending: string, text: string): void =>
        writeFileSync(`${name}.${ending}`, text, { encoding: 'latin1', mode: 0o600, flag: 'wx' });
      write('eml', message.text);
      write('json', `${anyJson({ ...message.envelope, arrived: isoTime(message.envelope.arrived) })}\n`);
      count++;
    }
    files = [];
    isCut = false;
  };
  // The files of a message stand together.
  readEvidence(path, (file, text) => {
    if (messageKey(file) !== key) close();
    key = messageKey(file);
    if (text === undefined) isCut = true;
    else files.push({ path: file, text });
  });
  close();
  return { count, bad };
};

const run = (call: Call): Promise<number> => {
  const folder = evidenceFolder(stateOf(call, readConfig(call.options.get('config')).values));
  const [file] = call.operands;
  const to = call.options.get('to');
  if (file === undefined) return Promise.resolve(list(call, folder));
  if (to === undefined) throw new Fault('USAGE', `postern evidence ${plain(file)}: say where to, with --to DIR`);
  if (existsSync(to) && readdirSync(to).length > 0)
    throw new Fault('REFUSED_FOR_SAFETY', `${plain(to)} is not empty: nothing is written over`);
  const path = file.includes('/') ? file : join(folder, file);
  if (!existsSync(path))
    throw new Fault('INPUT_UNREADABLE', `there is no ${plain(path)} (postern evidence lists them)`);
  const { count, bad } = exportTo(path, to);
  if (call.options.has('json')) process.stdout.write(`${anyJson({ version: 1, file, to, messages: count, bad })}\n`);
  else process.stdout.write(`${counted(count, 'message')} written to ${plain(to)}, each with its envelope\n`);
  if (bad.length > 0)
    throw new Fault('PARTLY_DONE', `${bad.length} are no whole message: ${plain(bad.slice(0, 10).join(', '))}`);
  return Promise.resolve(0);
};

export const evidenceCommand: Command = {
  name: 'evidence',
  usage: 'postern evidence [FILE --to DIR]',
  summary: 'What was purged; each message of it as an .eml file, its envelope beside it as JSON.',
  options: [
    { name: 'to', value: 'DIR', sentence: 'Write the messages of FILE there; a new or empty directory.' },
    jsonOption,
    ...deskOptions,
  ],
  examples: ['postern evidence', 'postern evidence 20261121T084131-k3v9x1.evidence --to /root/case-7'],
  operandsMin: 0,
  operandsMax: 1,
  run,
};
