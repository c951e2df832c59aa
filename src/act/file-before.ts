/** A file as it was before a deed: when an undo makes it the same again, it gets its times back, too. */
import { createHash } from 'node:crypto';
import type { FileFacts, SeenFile } from '../model/verb.ts';

/** Of latin1 text. */
export const digestOf = (text: string): string =>
  createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 32);

export type FileBefore = { readonly digest: string; readonly facts: FileFacts };

export const fileBefore = ({ bytes, facts }: SeenFile): FileBefore => ({
  digest: digestOf(Buffer.from(bytes).toString('latin1')),
  facts,
});

/** The facts to put back with this text; none when somebody has edited it meanwhile. */
export const factsFor = (text: string, before: FileBefore | undefined): { readonly facts?: FileFacts } =>
  before !== undefined && digestOf(text) === before.digest ? { facts: before.facts } : {};
