/** The verbs, carried out in this process, which must be root for most of them. */
import { Fault, errorWords } from '../model/fault.ts';
import { blockedKeysMax, keysListed } from '../model/firewall.ts';
import type { CarryOut, Ran, Verb, VerbAnswer } from '../model/verb.ts';
import { accountCommand } from './account-command.ts';
import type { Allowance } from './allowance.ts';
import { keepFiles, removeKept, restoreKept } from './evidence.ts';
import { readFile, replaceFile } from './files/file.ts';
import { hangUp } from './hang-up.ts';
import { readScript } from './nft-script.ts';
import type { Script } from './nft-script.ts';
import { createProtection } from './protection.ts';
import type { WhoProtects } from './protection.ts';
import { isPostfixReload, reloadPostfix } from './reload-postfix.ts';
import { lookFiles } from './spool.ts';
import { runProgram } from './run-program.ts';

type Run = Verb & { readonly verb: 'run' };

/** However many networks somebody names one after the other: not a large part of the world is closed out. */
const checkSpace = async (blocked: Script['blocked'], allowance: Allowance): Promise<void> => {
  for (const [name, keysMax] of blockedKeysMax) {
    const keys = new Set(blocked.filter(({ set }) => set === name).map(({ network }) => network.split('/')[0] ?? ''));
    if (keys.size === 0) continue;
    const args = ['-j', 'list', 'set', 'inet', 'postern', name];
    const { status, stdout } = await runProgram({ verb: 'run', program: 'nft', args }, allowance);
    for (const key of status === 0 ? keysListed(stdout) : []) keys.add(key);
    if (keys.size > keysMax)
      throw new Fault(
        'REFUSED_FOR_SAFETY',
        `more than ${keysMax} networks of /${name.slice('block'.length)} would be closed out: lift some first (postern actions)`,
      );
  }
};

/** The protected are never blocked, whoever asks for it. */
const runNft = async (run: Run, allowance: Allowance, whoProtects: WhoProtects): Promise<Ran> => {
  if (!run.args.includes('-f')) return runProgram(run, allowance);
  const script = readScript(run.input ?? '', run.args.includes('-c'));
  if (script === undefined) throw new Fault('REFUSED_FOR_SAFETY', 'the helper changes no firewall table but its own');
  const networks = script.blocked.map(({ network }) => network);
  const protecting = (await whoProtects(networks)).findIndex((protection) => protection !== undefined);
  if (protecting >= 0)
    throw new Fault('REFUSED_FOR_SAFETY', `${networks[protecting] ?? ''} is protected and is not blocked`);
  await checkSpace(script.blocked, allowance);
  return runProgram(run, allowance);
};

const carry = async (verb: Verb, allowance: Allowance, whoProtects: WhoProtects): Promise<VerbAnswer<Verb>> => {
  switch (verb.verb) {
    case 'read-file':
      return readFile(verb.path, allowance);
    case 'replace-file':
      await replaceFile(verb, allowance);
      return undefined;
    case 'look-files':
      return lookFiles(verb, allowance);
    case 'keep-files':
      return keepFiles(verb, allowance);
    case 'remove-kept':
      return removeKept(verb, allowance);
    case 'restore-kept':
      return restoreKept(verb, allowance);
    case 'run':
      if (verb.program === 'nft') return runNft(verb, allowance, whoProtects);
      return isPostfixReload(verb) ? reloadPostfix(verb, allowance) : runProgram(verb, allowance);
    case 'account-command':
      return accountCommand(verb.does, verb.account, allowance);
    case 'hang-up':
      return hangUp(verb.daemon);
    case 'who-protects':
      return whoProtects(verb.subjects);
    default:
      throw new Fault('REFUSED_FOR_SAFETY', 'the helper knows no such verb');
  }
};

/** The usual reasons by far, and what to do (errno(3)). */
const withoutRight = new Map([
  ['EACCES', 'this user may not: ask as root (sudo), or let the guard have a helper (postern helper)'],
  ['EPERM', 'this user may not: ask as root (sudo), or let the guard have a helper (postern helper)'],
  ['EROFS', 'it is mounted read-only (a unit file with ProtectSystem?)'],
]);

const objectOf = (verb: Verb): string => ('path' in verb ? verb.path : 'program' in verb ? verb.program : '');

export const createCarryOut = (allowance: Allowance): CarryOut => {
  const whoProtects = createProtection(allowance.protect, (names) =>
    runProgram({ verb: 'run', program: 'postconf', args: ['-x', ...names] }, allowance),
  );
  return async <V extends Verb>(verb: V): Promise<VerbAnswer<V>> => {
    try {
      // One function answers every verb; which answer belongs to which verb is the table in `carry`.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return (await carry(verb, allowance, whoProtects)) as VerbAnswer<V>;
    } catch (error) {
      if (error instanceof Fault) throw error;
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      const words = withoutRight.get(code) ?? errorWords(error);
      throw new Fault('PARTLY_DONE', `${verb.verb} ${objectOf(verb)}: ${words}`, { cause: error });
    }
  };
};
