import { accountLock } from '../act/account-lock.ts';
import { perform } from '../act/perform.ts';
import { loginShut } from '../act/login-shut.ts';
import { undo } from '../act/recover.ts';
import { Fault } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { conditionFor } from '../model/queue/culprit.ts';
import { plain } from '../show/text/plain.ts';
import { untilOf } from './acting.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { atDesk, deskOptions, sayWithoutGuard, unheard, whereKnown, whoAsks } from './desk.ts';

const say = (call: Call, done: object, text: string): number => {
  process.stdout.write(call.options.has('json') ? `${anyJson(done)}\n` : `${plain(text)}\n`);
  return 0;
};

const lock = (call: Call): Promise<number> =>
  atDesk(call, async (desk) => {
    sayWithoutGuard(call, unheard);
    const [account = ''] = call.operands;
    const why = call.options.get('why') ?? 'locked by hand';
    const until = call.options.has('for') ? untilOf(call) : undefined;
    const order = { who: whoAsks(), why, until, incident: undefined };
    const { receipt } = await perform(accountLock, { account }, order, desk);
    if (call.options.has('shut')) {
      // What would never end by itself is renewed by whoever means it.
      const shut = await perform(loginShut, { account }, { ...order, until: until ?? untilOf(call) }, desk);
      for (const line of call.options.has('json') ? [] : shut.plan.lines) process.stdout.write(`${plain(line)}\n`);
    }
    return say(
      call,
      { account, id: receipt?.id },
      `${account} is locked: what it sends is accepted and held by the running guard (postern unlock ${account})`,
    );
  });

const unlock = (call: Call): Promise<number> =>
  atDesk(call, async (desk) => {
    const [account = ''] = call.operands;
    const subject = account.toLowerCase();
    const ids = (['account-lock', 'login-shut'] as const).flatMap((kind) =>
      desk.receipts.inForce(kind, subject).map(({ id }) => id),
    );
    if (ids.length === 0)
      throw new Fault(
        'USAGE',
        `${plain(account)} is not locked (postern actions); if the guard still holds its mail: postern lock, then unlock`,
      );
    await undo(ids, whoAsks(), desk);
    return say(
      call,
      { account, ids },
      `${account} is unlocked; what is held of it stays held: postern queue release --where '${conditionFor(subject)}'`,
    );
  });

export const lockCommand: Command = {
  name: 'lock',
  usage: 'postern lock [--shut] [--for TIME] ACCOUNT|user:NAME',
  summary: 'Holds all mail that an account sends from now on; nothing is refused or lost.',
  options: [
    { name: 'shut', sentence: 'No login either: live hooks, Dovecot (open sessions are closed), the system password.' },
    { name: 'for', value: 'TIME', sentence: 'How long; without it until it is unlocked, --shut for 4h.' },
    { name: 'why', value: 'TEXT', sentence: 'For the record.' },
    jsonOption,
    ...deskOptions,
  ],
  examples: ['postern lock nicole@example.org --why "password in a phishing list"'],
  operandsMin: 1,
  operandsMax: 1,
  run: lock,
};

export const unlockCommand: Command = {
  name: 'unlock',
  usage: 'postern unlock ACCOUNT|user:NAME',
  summary: 'Lets an account send again, and forgets what was held against it.',
  options: [jsonOption, ...deskOptions],
  examples: ['postern unlock nicole@example.org'],
  operandsMin: 1,
  operandsMax: 1,
  run: whereKnown(unlock),
};
