/** A small deed for the tests of the machinery: writes two files of a folder, which must both be as before after an undo. */
import { join } from 'node:path';
import type { Act } from '../../src/act/act.ts';
import type { CarryOut, SeenFile } from '../../src/model/verb.ts';
import type { Memory } from '../../src/model/receipt.ts';

export type TwoFiles = { readonly folder: string; readonly text: string };

const names = ['one', 'two'] as const;
const textOf = (seen: SeenFile | undefined): string | undefined =>
  seen === undefined ? undefined : Buffer.from(seen.bytes).toString('latin1');

type Remembered = { readonly folder: string; readonly text: string; readonly before: string };
// `plan` below made it.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const remembered = (memory: Memory): Remembered => memory as Remembered;

const write = async (path: string, text: string, carryOut: CarryOut): Promise<void> => {
  const seen = await carryOut({ verb: 'read-file', path });
  if (textOf(seen) === text) return;
  await carryOut({ verb: 'replace-file', path, expected: seen?.bytes, content: Buffer.from(text, 'latin1') });
};

export const twoFiles: Act<TwoFiles> = {
  kind: 'setup',
  plan: async ({ folder, text }, carryOut) => {
    const before = textOf(await carryOut({ verb: 'read-file', path: join(folder, 'one') })) ?? '';
    return {
      subject: folder,
      lines: text === before ? [] : [`one and two: ${text}`],
      memory: { folder, text, before },
    };
  },
  carry: async (memory, carryOut) => {
    const { folder, text } = remembered(memory);
    for (const name of names) await write(join(folder, name), text, carryOut);
  },
  verify: async (memory, carryOut) => {
    const { folder, text } = remembered(memory);
    const seen = await Promise.all(names.map((name) => carryOut({ verb: 'read-file', path: join(folder, name) })));
    const took = seen.every((each) => textOf(each) === text);
    return { took, text: took ? 'both are written' : 'not both are written' };
  },
  undo: async (memory, carryOut) => {
    const { folder, before } = remembered(memory);
    for (const name of names) await write(join(folder, name), before, carryOut);
    return '';
  },
};
