/** Switches off what an alias sends to other servers, and keeps its local targets. Undone: its lines are what they were. */
import { Fault } from '../model/fault.ts';
import type { Memory } from '../model/receipt.ts';
import type { CarryOut, SeenFile } from '../model/verb.ts';
import { isOutside, readAliases, switchOff, switchOn, switchedOff } from '../servers/alias-file.ts';
import type { AliasFormat, AliasRefresh } from '../servers/alias-file.ts';
import type { Act } from './act.ts';

export type ForwardWanted = {
  /** The alias as it stands in the file. */
  readonly key: string;
  readonly path: string;
  readonly format: AliasFormat;
  readonly refresh: AliasRefresh;
  readonly localDomains: readonly string[];
};

// `plan` below made it.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const remembered = (memory: Memory): ForwardWanted => memory as ForwardWanted;

const textOf = ({ bytes }: SeenFile): string => Buffer.from(bytes).toString('latin1');

const read = async (path: string, carryOut: CarryOut): Promise<SeenFile> => {
  const seen = await carryOut({ verb: 'read-file', path });
  if (seen === undefined) throw new Fault('PARTLY_DONE', `${path} is gone`);
  return seen;
};

const refreshed = async ({ path, refresh }: ForwardWanted, carryOut: CarryOut): Promise<void> => {
  if (refresh.kind === 'none') return;
  const { status, stderr } =
    refresh.kind === 'postmap'
      ? await carryOut({ verb: 'run', program: 'postmap', args: [`${refresh.type}:${path}`] })
      : refresh.kind === 'makemap'
        ? await carryOut({
            verb: 'run',
            program: 'makemap',
            args: [refresh.type, path],
            input: textOf(await read(path, carryOut)),
          })
        : refresh.kind === 'newaliases'
          ? await carryOut({ verb: 'run', program: 'newaliases', args: [] })
          : await carryOut({ verb: 'run', program: 'postfix', args: ['reload'] });
  if (status !== 0)
    throw new Fault('PARTLY_DONE', `${path} could not be made known: ${stderr.trim().split('\n')[0] ?? ''}`);
};

const put = async (wanted: ForwardWanted, seen: SeenFile, text: string, carryOut: CarryOut): Promise<void> => {
  const content = Buffer.from(text, 'latin1');
  await carryOut({ verb: 'replace-file', path: wanted.path, expected: seen.bytes, content });
  await refreshed(wanted, carryOut);
};

const isOff = (text: string, key: string): boolean =>
  switchedOff(text).some((each) => each.toLowerCase() === key.toLowerCase());

const planLines = ({ key, path, format, localDomains }: ForwardWanted, text: string): readonly string[] => {
  const local = new Set(localDomains);
  const entry = readAliases(text, format).findLast((each) => each.key.toLowerCase() === key.toLowerCase());
  const outside = entry?.targets.filter((target) => isOutside(target, local)) ?? [];
  if (entry === undefined || outside.length === 0) {
    if (isOff(text, key)) return [];
    throw new Fault('USAGE', `${key} sends nothing to other servers in ${path} (postern forwards)`);
  }
  const kept = entry.targets.length - outside.length;
  return [
    `${path}: ${entry.key} no longer sends to ${outside.join(', ')}`,
    kept > 0
      ? `its other ${kept === 1 ? 'target stays' : `${kept} targets stay`}`
      : 'it has no other target: mail for it is refused as unknown until it is on again',
  ];
};

export const forwardOff: Act<ForwardWanted> = {
  kind: 'forward-off',
  plan: async (wanted, carryOut) => {
    const lines = planLines(wanted, textOf(await read(wanted.path, carryOut)));
    const { key, path, format, refresh, localDomains } = wanted;
    return { subject: key.toLowerCase(), lines, memory: { key, path, format, refresh: { ...refresh }, localDomains } };
  },
  carry: async (memory, carryOut) => {
    const wanted = remembered(memory);
    const seen = await read(wanted.path, carryOut);
    const off = switchOff(textOf(seen), wanted.format, wanted.key, new Set(wanted.localDomains));
    if (off === undefined) return refreshed(wanted, carryOut);
    return put(wanted, seen, off, carryOut);
  },
  verify: async (memory, carryOut) => {
    const { key, path, refresh } = remembered(memory);
    const text = textOf(await read(path, carryOut));
    if (!isOff(text, key)) return { took: false, text: `${key} is not switched off in ${path}` };
    const isThere = readAliases(text, remembered(memory).format).some(
      (each) => each.key.toLowerCase() === key.toLowerCase(),
    );
    if (refresh.kind !== 'postmap' || isThere) return { took: true, text: `switched off in ${path}` };
    const { stdout } = await carryOut({
      verb: 'run',
      program: 'postmap',
      args: ['-q', key, `${refresh.type}:${path}`],
    });
    return {
      took: stdout.trim() === '',
      text: stdout.trim() === '' ? `switched off in ${path}` : `the map still answers ${stdout.trim()}`,
    };
  },
  undo: async (memory, carryOut) => {
    const wanted = remembered(memory);
    const seen = await read(wanted.path, carryOut);
    const on = switchOn(textOf(seen), wanted.key);
    if (on === undefined) {
      await refreshed(wanted, carryOut);
      return `${wanted.key} was not switched off in ${wanted.path} any more`;
    }
    await put(wanted, seen, on, carryOut);
    return '';
  },
};
