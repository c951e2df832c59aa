/** What the commands that act by hand have in common: a dry run, an end, a reason, what they print. */
import type { Act } from '../act/act.ts';
import { planAll, performAll } from '../act/perform.ts';
import type { Done } from '../act/perform.ts';
import { durationSeconds } from '../guard/settings.ts';
import { Fault } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { isoTime, localTime } from '../show/text/time.ts';
import { jsonOption } from './command.ts';
import type { Call, Option } from './command.ts';
import { atDesk, deskOptions, whoAsks } from './desk.ts';

export const actingOptions: readonly Option[] = [
  { name: 'dry-run', sentence: 'Say what would be done, and do nothing.' },
  { name: 'why', value: 'TEXT', sentence: 'Kept with the action, for whoever asks later.' },
  jsonOption,
  ...deskOptions,
];
export const forOption: Option = { name: 'for', value: 'TIME', sentence: 'How long: 30m, 4h (default), 7d.' };

const usualSeconds = 4 * 3600;
const longestSeconds = 90 * 86_400;
const confirmSecondsMin = 10;

/** Milliseconds since 1970. @throws Fault REFUSED_FOR_SAFETY for what would never end by itself */
export const untilOf = (call: Call, usual = usualSeconds): number => {
  const text = call.options.get('for');
  const seconds = text === undefined ? usual : durationSeconds(text);
  if (seconds === undefined) throw new Fault('USAGE', `--for ${text ?? ''}: expected a duration (30m, 4h, 7d)`);
  if (seconds === 0 || seconds > longestSeconds)
    throw new Fault(
      'REFUSED_FOR_SAFETY',
      `--for ${text ?? ''}: an action ends within ${longestSeconds / 86_400} days; renew it when it must go on`,
    );
  return Date.now() + seconds * 1000;
};

/** At a remote shell: what turns out to be wrong takes itself back, also when nobody can say so any more. */
export const confirmOption: Option = {
  name: 'confirm',
  value: 'TIME',
  sentence: 'The kernel takes it back after so long (2m), unless postern accept says that all is well.',
};

/** @param until the end that is wanted. @returns when it is taken back unless somebody says yes */
export const confirmByOf = (call: Call, until: number): number | undefined => {
  const text = call.options.get('confirm');
  if (text === undefined) return undefined;
  const seconds = durationSeconds(text) ?? 0;
  const by = Date.now() + seconds * 1000;
  if (seconds < confirmSecondsMin || by >= until)
    throw new Fault(
      'USAGE',
      `--confirm ${text}: expected a time (2m), at least ${confirmSecondsMin} s and shorter than --for`,
    );
  return by;
};

const print = (text: string): void => void process.stdout.write(`${text}\n`);

const tellDone = ({ plan, receipt }: Done, isToConfirm: boolean): void => {
  if (receipt === undefined) return print(`${plain(plan.subject)}: nothing to do`);
  for (const line of plan.lines) print(`done: ${plain(line)}`);
  if (isToConfirm) print(`keep it: postern accept ${receipt.id}`);
  const end = receipt.until === undefined ? '' : `; ends by itself ${localTime(receipt.until)}`;
  return print(`undo: postern undo ${receipt.id}${end}`);
};

/** Plans and prints, or acts and prints. @param notes said before: what else this would hit */
export const actByHand = <Wanted>(
  call: Call,
  act: Act<Wanted>,
  wanted: readonly Wanted[],
  until: number | undefined,
  notes: readonly string[] = [],
): Promise<number> =>
  atDesk(call, async (desk) => {
    const asJson = call.options.has('json');
    if (!asJson) for (const note of notes) print(plain(note));
    if (call.options.has('dry-run')) {
      const plans = await planAll(act, wanted, desk.carryOut);
      if (asJson)
        print(anyJson({ dryRun: true, notes, plans: plans.map(({ subject, lines }) => ({ subject, lines })) }));
      else for (const line of plans.flatMap(({ lines }) => lines)) print(`would be done: ${plain(line)}`);
      return 0;
    }
    const order = { who: whoAsks(), why: call.options.get('why') ?? '', until, incident: undefined };
    const done = await performAll(act, wanted, order, desk);
    if (!asJson) for (const each of done) tellDone(each, call.options.has('confirm'));
    else
      print(
        anyJson({
          notes,
          actions: done.map(({ plan, receipt }) => ({
            id: receipt?.id ?? null,
            kind: act.kind,
            subject: plan.subject,
            until: receipt?.until === undefined ? null : isoTime(receipt.until),
            note: receipt?.note ?? 'nothing to do',
          })),
        }),
      );
    return 0;
  });
