/**
 * How each server holds, lets go and removes queued mail: its own programs (postsuper(1), exim's -M options, Sendmail's
 * quarantine), and the files that make up a message while it is held. Many messages a process.
 */
import { keep } from '../model/keep.ts';
import { isHeldInQueue } from '../model/queue/message.ts';
import type { QueuedMessage, ReadMessage } from '../model/queue/message.ts';
import type { Program } from '../model/verb.ts';
import { isThawed, readHeaderFile, thawed } from './exim/spool.ts';
import { hashLetter } from './postfix/queue-file.ts';

export type QueueServer = 'postfix' | 'exim' | 'sendmail';

/** A message as a deed remembers it. */
export type Queued = {
  readonly id: string;
  /** The folder of its envelope file. */
  readonly folder: string;
  readonly wasHeld: boolean;
  /** Exim forgets by freezing that somebody had thawed it by hand. */
  readonly wasThawed: boolean;
};

export type Run = { readonly program: Program; readonly args: readonly string[]; readonly input?: string };

export type QueueTool = {
  /** Of one process. */
  readonly idsMax: number;
  readonly hold: (spool: string, ids: readonly string[]) => Run;
  readonly release: (spool: string, ids: readonly string[]) => Run;
  /** Undefined: there is no such command, the files are removed. */
  readonly remove: ((spool: string, ids: readonly string[]) => Run) | undefined;
  readonly retry: (spool: string, ids: readonly string[]) => Run;
  /** The envelope file while it is held, and all files, that one last. */
  readonly heldPath: (spool: string, message: Queued) => string;
  readonly files: (spool: string, message: Queued) => readonly string[];
  /** @param start the beginning of the file at `heldPath`, which is there */
  readonly isHeld: (message: Queued, start: string) => boolean;
  /** True for what holding makes forget, from the beginning of the envelope file. */
  readonly isThawed: (start: string) => boolean;
  /** The bytes of the envelope file when it is let go by hand; undefined: the server's own release gives the same bytes. */
  readonly freed: ((message: Queued, start: string) => string) | undefined;
};

const lines = (ids: readonly string[]): string => `${ids.join('\n')}\n`;

const postsuper =
  (flag: string, ...queue: readonly string[]) =>
  (_: string, ids: readonly string[]): Run => ({
    program: 'postsuper',
    args: [flag, '-', ...queue],
    input: lines(ids),
  });

const postfix: QueueTool = {
  idsMax: 5000,
  hold: postsuper('-h'),
  release: postsuper('-H'),
  remove: postsuper('-d', 'hold'),
  retry: postsuper('-r'),
  heldPath: (spool, { id }) => `${spool}/hold/${id}`,
  files: (spool, { id }) => [
    // hash_queue_names: deferred, defer.
    `${spool}/defer/${hashLetter(id)}/${id}`,
    `${spool}/bounce/${id}`,
    `${spool}/trace/${id}`,
    `${spool}/hold/${id}`,
  ],
  isHeld: () => true,
  isThawed: () => false,
  freed: undefined,
};

const exim =
  (flag: string) =>
  (_: string, ids: readonly string[]): Run => ({ program: 'exim', args: [flag, ...ids] });

const readEnvelope = ({ id }: Queued, start: string): ReadMessage =>
  readHeaderFile(start, { id, path: '', dataFileBytes: undefined, reasons: new Map() });

const eximTool: QueueTool = {
  idsMax: 500,
  hold: exim('-Mf'),
  release: exim('-Mt'),
  remove: exim('-Mrm'),
  retry: exim('-M'),
  heldPath: (_, { id, folder }) => `${folder}/${id}-H`,
  files: (spool, { id, folder }) => [
    `${spool}/msglog${folder.slice(`${spool}/input`.length)}/${id}`,
    `${folder}/${id}-J`,
    `${folder}/${id}-D`,
    `${folder}/${id}-H`,
  ],
  isHeld: (message, start) => {
    const result = readEnvelope(message, start);
    return result.kind === 'message' && result.message.queue === 'frozen';
  },
  isThawed,
  freed: ({ wasThawed }, start) => thawed(start, wasThawed),
};

/** The submission program has a queue of its own. */
const queueFlag = (spool: string): string => (spool.endsWith('-client') ? '-Ac' : '-Am');
const each = (ids: readonly string[]): readonly string[] => ids.map((id) => `-qI${id}`);
const textFolder = (folder: string): string => (folder.endsWith('/qf') ? `${folder.slice(0, -2)}df` : folder);

const sendmail: QueueTool = {
  idsMax: 500,
  hold: (spool, ids) => ({ program: 'sendmail', args: [queueFlag(spool), '-Qheld by Postern', ...each(ids)] }),
  release: (spool, ids) => ({ program: 'sendmail', args: [queueFlag(spool), '-qQ', '-Q', ...each(ids)] }),
  remove: undefined,
  retry: (spool, ids) => ({ program: 'sendmail', args: [queueFlag(spool), ...each(ids)] }),
  heldPath: (_, { id, folder }) => `${folder}/hf${id}`,
  files: (_, { id, folder }) => [`${textFolder(folder)}/df${id}`, `${folder}/hf${id}`],
  isHeld: () => true,
  isThawed: () => false,
  freed: undefined,
};

export const queueTools: Readonly<Record<QueueServer, QueueTool>> = { postfix, exim: eximTool, sendmail };

/** What a deed needs to know of a message; it keeps nothing else of it alive. */
export const queuedOf = (message: QueuedMessage): Queued => ({
  id: keep(message.id),
  folder: keep(message.path.slice(0, Math.max(0, message.path.lastIndexOf('/')))),
  wasHeld: isHeldInQueue(message),
  wasThawed: false,
});
