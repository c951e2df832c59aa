/** `postern queue hold|release|requeue|purge`: shows what it would take, asks, does it, says how to take it back. */
import { createInterface } from 'node:readline/promises';
import { createSelection, hold, purge, release, requeue } from '../guard/queue/deeds.ts';
import { evidenceFolder } from '../guard/desk.ts';
import { readConfig } from '../guard/config.ts';
import type { Desk } from '../act/desk.ts';
import type { Done, Order } from '../act/perform.ts';
import type { QueueWanted } from '../act/queue-memory.ts';
import { Fault, errorWords, faultCodes } from '../model/fault.ts';
import { createQueueCount } from '../model/queue/groups.ts';
import type { QueueCount } from '../model/queue/groups.ts';
import { isHeldInQueue } from '../model/queue/message.ts';
import type { QueuedMessage } from '../model/queue/message.ts';
import { jsonLine } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { groupLines, totalLines } from '../show/text/queue.ts';
import { styleFor } from '../show/text/style.ts';
import { counted, grouped } from '../show/text/table.ts';
import type { Call } from './command.ts';
import { atDesk, stateOf, whoAsks } from './desk.ts';
import { conditionOf, finish, walk } from './queue-reading.ts';

const shownGroups = ['account', 'user', 'sender', 'subject'] as const;
const shownTop = 3;

export const deedNames = ['hold', 'release', 'requeue', 'purge'] as const;
type DeedName = (typeof deedNames)[number];

const told = ({ plan, receipt }: Done): string =>
  receipt === undefined
    ? `nothing to do in ${plan.subject}'s queue`
    : `${receipt.note} (take it back: postern undo ${receipt.id})`;

type Doer = (wanted: QueueWanted, call: Call, order: Order, desk: Desk) => Promise<string>;
const doers: Readonly<Record<DeedName, Doer>> = {
  hold: async (wanted, _, order, desk) => told(await hold(wanted, order, desk)),
  purge: async (wanted, call, order, desk) =>
    told(
      await purge(wanted, evidenceFolder(stateOf(call, readConfig(call.options.get('config')).values)), order, desk),
    ),
  release: async (wanted, _call, _order, desk) => {
    const count = await desk.alone(() => release(wanted, desk.carryOut));
    return `${grouped(count)} of ${counted(wanted.messages.length, 'message')} released in ${wanted.server}'s queue`;
  },
  requeue: async (wanted, _call, _order, desk) => {
    await desk.alone(() => requeue(wanted, desk.carryOut));
    return `${counted(wanted.messages.length, 'message')} handed to ${wanted.server} again`;
  },
};

/** A purge wants the number typed: nobody types it by habit. */
const isAgreed = async (deed: DeedName, count: number): Promise<boolean> => {
  if (process.stdin.isTTY !== true)
    throw new Fault('REFUSED_FOR_SAFETY', `nobody is here to ask: add --yes to ${deed} these ${count} messages`);
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await reader.question(deed === 'purge' ? `Type ${count} to purge them: ` : `${deed} them? [y/N] `);
    return deed === 'purge' ? answer.trim() === String(count) : /^y(?:es)?$/i.test(answer.trim());
  } finally {
    reader.close();
  }
};

const showSelection = (deed: DeedName, count: QueueCount, now: number): void => {
  const style = styleFor(process.stderr, process.env);
  const lines = [
    `${deed} would take:`,
    ...totalLines(count.totals(), now, style),
    ...shownGroups.flatMap((by) => groupLines(count.groups(by, shownTop), now, style)),
  ];
  for (const line of lines) process.stderr.write(`${line}\n`);
};

export const isDeed = (name: string | undefined): name is DeedName => deedNames.some((each) => each === name);

/** @returns what was done, told as it is done. @throws the first failure, or PARTLY_DONE with all of them */
const doAll = async (
  call: Call,
  deed: DeedName,
  parts: readonly QueueWanted[],
  order: Order,
  say: (text: string) => void,
): Promise<readonly string[]> => {
  const done: string[] = [];
  const failed: { readonly server: string; readonly error: unknown }[] = [];
  await atDesk(call, async (desk) => {
    for (const wanted of parts) {
      // One queue that cannot be acted on must not keep the others from it.
      const text = await doers[deed](wanted, call, order, desk).catch((error: unknown) => {
        failed.push({ server: wanted.server, error });
        return undefined;
      });
      if (text === undefined) continue;
      done.push(text);
      say(text);
    }
  });
  const [first] = failed;
  if (first !== undefined && done.length === 0 && failed.length === 1) throw first.error;
  if (first !== undefined)
    throw new Fault('PARTLY_DONE', failed.map(({ server, error }) => `${server}: ${errorWords(error)}`).join('\n'));
  return done;
};

/** What a deed is done for: nobody is asked when all that it takes is the incident's own. */
type For = { readonly incident: string | undefined; readonly isOwn: (message: QueuedMessage) => boolean };
const nothingOwn: For = { incident: undefined, isOwn: () => false };

export const runDeed = async (call: Call, deed: DeedName, purpose = nothingOwn): Promise<number> => {
  const where = call.options.get('where');
  if (where === undefined)
    throw new Fault('USAGE', `postern queue ${deed}: say which with --where 'account = "nicole"' (there is no "all")`);
  const isWanted = conditionOf(call);
  const now = Date.now();
  const count = createQueueCount(shownGroups, now);
  const selection = createSelection();
  let foreign = 0;
  const walked = await walk(call, (message, spool) => {
    const isHeld = isHeldInQueue(message);
    if ((deed === 'hold' && isHeld) || (deed === 'release' && !isHeld) || !isWanted(message, now)) return;
    selection.add(message, spool);
    count.add(message);
    foreign += Number(!purpose.isOwn(message));
  });
  if (walked.interrupted) throw new Fault('PARTLY_DONE', 'interrupted: nothing was done');
  const { messages } = count.totals();
  const asJson = call.options.has('json');
  const say = (text: string): void => void process.stdout.write(`${plain(text)}\n`);
  if (call.options.has('dry-run') || messages === 0) {
    if (asJson) say(jsonLine({ deed, where, messages, done: [] }));
    else if (messages === 0) say('no message in the queue fits');
    else showSelection(deed, count, now);
    return finish(call, walked);
  }
  if (!asJson) showSelection(deed, count, now);
  const isAsked = foreign > 0 && !call.options.has('yes');
  if (isAsked && !(await isAgreed(deed, messages))) {
    process.stderr.write('postern: nothing was done\n');
    return faultCodes.REFUSED_FOR_SAFETY;
  }
  const order: Order = {
    who: whoAsks(),
    why: `queue ${deed} --where ${where}`,
    until: undefined,
    incident: purpose.incident,
  };
  const done = await doAll(call, deed, selection.wanted(), order, asJson ? () => undefined : say);
  if (asJson) say(jsonLine({ deed, where, messages, done }));
  return finish(call, walked);
};
