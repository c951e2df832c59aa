/**
 * Lets a mail server ask Postern: some of its configuration files are changed, checked by the server itself, and it is
 * reloaded. Undone: the bytes, mode, owner and times as they were; where somebody has edited a file since, our lines alone
 * are taken out.
 */
import { Fault } from '../model/fault.ts';
import type { Memory } from '../model/receipt.ts';
import type { CarryOut, FileFacts, HangUpDaemon, Program } from '../model/verb.ts';
import { takeOut } from '../servers/edits/take-out.ts';
import type { Act, Proof } from './act.ts';

type Ran = { readonly program: Program; readonly args: readonly string[] };
/** A daemon reads its configuration again; one that does not run (`isRunning` fails) reads it at its start. */
type Reload = (Ran & { readonly isRunning?: Ran }) | { readonly hangUp: HangUpDaemon };

export type SetupWanted = {
  readonly server: string;
  readonly files: readonly { readonly path: string; readonly change: (text: string) => string }[];
  /** What would be told of it, a line each. */
  readonly lines: readonly string[];
  /** The server's own look at its configuration. */
  readonly check: readonly Ran[];
  readonly reload: readonly Reload[];
};

type Remembered = {
  readonly server: string;
  readonly files: readonly {
    readonly path: string;
    /** latin1; null: there was no such file. */
    readonly before: string | null;
    readonly facts: FileFacts | null;
    readonly after: string;
  }[];
  readonly check: readonly Ran[];
  readonly reload: readonly Reload[];
};
/** `plan` below made it. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const remembered = (memory: Memory): Remembered => memory as unknown as Remembered;

const fileBytesMax = 4 * 1024 * 1024;
const bytesOf = (text: string | null): Uint8Array | undefined =>
  text === null ? undefined : Buffer.from(text, 'latin1');

const textNow = async (path: string, carryOut: CarryOut): Promise<{ text: string | null; facts: FileFacts | null }> => {
  const seen = await carryOut({ verb: 'read-file', path });
  if (seen !== undefined && seen.bytes.length > fileBytesMax)
    throw new Fault('REFUSED_FOR_SAFETY', `${path} is larger than ${fileBytesMax} bytes: that is no configuration`);
  return seen === undefined
    ? { text: null, facts: null }
    : { text: Buffer.from(seen.bytes).toString('latin1'), facts: seen.facts };
};

const runAll = async (all: readonly Reload[], carryOut: CarryOut): Promise<string | undefined> => {
  for (const one of all) {
    if ('hangUp' in one) {
      await carryOut({ verb: 'hang-up', daemon: one.hangUp });
      continue;
    }
    const { program, args, isRunning } = one;
    if (isRunning !== undefined && (await carryOut({ verb: 'run', ...isRunning })).status !== 0) continue;
    const { status, stdout, stderr } = await carryOut({ verb: 'run', program, args });
    // Postfix tells its log alone.
    const words = `${stderr}${stdout}`.trim().split('\n')[0] ?? '';
    if (status !== 0)
      return `${program} ${args.join(' ')} failed (${status}): ${words === '' ? 'the mail log says why' : words}`;
  }
  return undefined;
};

const verify = async (memory: Memory, carryOut: CarryOut): Promise<Proof> => {
  const { files, check, server } = remembered(memory);
  for (const { path, after } of files)
    if ((await textNow(path, carryOut)).text !== after)
      return { took: false, text: `${path} is not as it was written` };
  const wrong = await runAll(check, carryOut);
  return wrong === undefined
    ? { took: true, text: check.length === 0 ? `written for ${server}` : `${server} finds its configuration right` }
    : { took: false, text: wrong };
};

/** What a file is to hold again; undefined: nobody can say, our lines in it were edited. */
type Restored = {
  readonly file: Remembered['files'][number];
  readonly now: string;
  readonly wanted: string | null | undefined;
};

const restoring = async (memory: Memory, carryOut: CarryOut): Promise<readonly Restored[]> => {
  const all: Restored[] = [];
  for (const file of remembered(memory).files.toReversed()) {
    const { path, before, after } = file;
    const { text: now } = await textNow(path, carryOut);
    // Gone with our lines, or as it was already.
    if (now === null || now === before) continue;
    const edited = before === null ? undefined : takeOut(before, after, now);
    all.push({ file, now, wanted: now === after ? before : edited });
  }
  return all;
};

const editedIn = (all: readonly Restored[]): readonly string[] =>
  all.filter(({ wanted }) => wanted === undefined).map(({ file }) => file.path);

/** One file may name another: where one has to stay, all stay, or the server could not read its configuration. */
const mayUndo = async (memory: Memory, carryOut: CarryOut): Promise<void> => {
  const edited = editedIn(await restoring(memory, carryOut));
  if (edited.length > 0)
    throw new Fault(
      'REFUSED_FOR_SAFETY',
      `${edited.join(', ')}: Postern's own lines were edited, so nothing is taken back. Make them as they were (postern setup ${remembered(memory).server} --print), or take them out by hand; then ask again`,
    );
};

const undo = async (memory: Memory, carryOut: CarryOut): Promise<string> => {
  const { reload } = remembered(memory);
  const all = await restoring(memory, carryOut);
  const edited = editedIn(all);
  // A crash in between, or a set-up that did not take: nobody is there to be asked.
  if (edited.length > 0)
    return `${edited.join(', ')} was edited meanwhile, so nothing is taken back: take Postern's lines out by hand`;
  const kept: string[] = [];
  for (const { file, now, wanted = null } of all) {
    const { path, before, facts } = file;
    if (wanted === now) continue;
    const isAsBefore = wanted === before;
    await carryOut({
      verb: 'replace-file',
      path,
      expected: bytesOf(now),
      content: bytesOf(wanted),
      ...(isAsBefore && facts !== null ? { facts } : {}),
    });
    if (!isAsBefore) kept.push(`what was edited in ${path} meanwhile stays`);
  }
  return [...kept, (await runAll(reload, carryOut)) ?? ''].filter((part) => part !== '').join('; ');
};

export const setup: Act<SetupWanted> = {
  kind: 'setup',
  // The servers' own checks are slow, and may write to their logs.
  drifts: 'asked',
  plan: async (wanted, carryOut) => {
    const files: Remembered['files'][number][] = [];
    for (const { path, change } of wanted.files) {
      const { text, facts } = await textNow(path, carryOut);
      const after = change(text ?? '');
      if (after !== text) files.push({ path, before: text, facts, after });
    }
    const memory: Remembered = { server: wanted.server, files, check: wanted.check, reload: wanted.reload };
    return {
      subject: wanted.server,
      lines:
        files.length === 0
          ? []
          : [...files.map(({ path }) => `change ${path}:`), ...wanted.lines.map((line) => `  ${line}`)],
      // Read back from JSON it is the same.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      memory: memory as unknown as Memory,
    };
  },
  carry: async (memory, carryOut) => {
    const { files, reload, check } = remembered(memory);
    for (const { path, before, after } of files) {
      if ((await textNow(path, carryOut)).text === after) continue;
      await carryOut({ verb: 'replace-file', path, expected: bytesOf(before), content: bytesOf(after) });
    }
    const wrong = (await runAll(check, carryOut)) ?? (await runAll(reload, carryOut));
    if (wrong !== undefined) throw new Fault('PARTLY_DONE', wrong);
  },
  verify,
  mayUndo,
  undo,
};
