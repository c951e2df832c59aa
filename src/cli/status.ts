/** `status`: does the guard run, which servers ask it, what is going on. Reads what the guard last wrote; asks no server. */
import { resolve } from 'node:path';
import { readConfig } from '../guard/config.ts';
import { judgeChoice } from '../guard/judge-settings.ts';
import { readKept } from '../guard/proving/place.ts';
import type { Kept } from '../guard/proving/place.ts';
import { durationSeconds } from '../guard/settings.ts';
import type { Values } from '../guard/settings.ts';
import { readSnapshot, snapshotFile } from '../guard/snapshot.ts';
import type { Incident } from '../model/report.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { styleFor } from '../show/text/style.ts';
import type { Style } from '../show/text/style.ts';
import { isoTime, localTime } from '../show/text/time.ts';
import { asDocument, asksLine, isGuardThere } from './asks.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, isKnown, readAtDesk, stateOf } from './desk.ts';

/** Whoever asks changes nothing: a state that is not there is not made. */
const knownOf = async (call: Call, state: string): Promise<Known> =>
  (await isKnown(state))
    ? readAtDesk(call, ({ incidents, pause, receipts }) => ({
        open: incidents.open(),
        paused: pause.get(),
        isSetUp: receipts.inForce('setup').length > 0,
      }))
    : { open: [], paused: undefined, isSetUp: false };

type Known = {
  readonly isSetUp: boolean;
  readonly open: readonly Incident[];
  readonly paused: { readonly until: number; readonly who: string } | undefined;
};

/** Which servers ask, as the guard has seen it. */
const askLines = (
  places: readonly Kept[],
  { isSetUp, isLooking }: { readonly isSetUp: boolean; readonly isLooking: boolean },
  style: Style,
): readonly string[] => {
  const lines = places.map((place) => {
    const line = asksLine(place, Date.now());
    return place.state === 'proven' ? line : style.warn(line);
  });
  if (!isLooking) return [...lines, 'the guard does not look by itself (check.every: 0): postern check'];
  if (lines.length > 0) return lines;
  return [
    isSetUp ? 'not known yet, the guard has not looked: postern check' : 'no server is set up to ask: postern setup',
  ];
};

/** Why attackers meet less than somebody may expect who looks at night. */
const restraintOf = async (values: Values, state: string): Promise<string | undefined> => {
  if (values.get('judge.mode') === 'observe') return 'none: it only watches (judge.mode: observe)';
  const started = (await readSnapshot(snapshotFile(state)))?.snapshot.started;
  const until = started === undefined ? 0 : judgeChoice(values, started).learningUntil * 1000;
  return until > Date.now()
    ? `none harder than a delay or 4xx, it learns until ${localTime(until)} (judge.learning)`
    : undefined;
};

const run = async (call: Call): Promise<number> => {
  const { values } = readConfig(call.options.get('config'));
  const state = resolve(stateOf(call, values));
  const places = readKept(state);
  const isThere = await isGuardThere(values, state);
  const { open, paused, isSetUp } = await knownOf(call, state);
  const restraint = await restraintOf(values, state);
  const isLooking = (durationSeconds(values.get('check.every')) ?? 0) > 0;
  const isProven = places.every((place) => place.state === 'proven') && (places.length > 0 || !isSetUp || !isLooking);
  const exitCode = !isThere ? 6 : isProven ? 0 : 5;
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  if (call.options.has('json')) {
    print(
      anyJson({
        version: 1,
        guard: isThere,
        state,
        asks: places.map(asDocument),
        restraint: restraint ?? null,
        incidents: open.map(({ id }) => id),
        pausedUntil: paused === undefined ? null : isoTime(paused.until),
      }),
    );
    return exitCode;
  }
  const style = styleFor(process.stdout, process.env);
  print(
    isThere
      ? `guard     runs, on ${plain(state)}`
      : style.warn(
          `guard     does not run on ${plain(state)} (--state, --config): mail goes on unguarded (postern run)`,
        ),
  );
  const lines = askLines(places, { isSetUp, isLooking }, style);
  for (const [at, line] of lines.entries()) print(`${at === 0 ? 'asks' : '    '}      ${line}`);
  if (restraint !== undefined) print(`answers   ${restraint}`);
  print(open.length === 0 ? 'incidents none' : `incidents ${style.warn(`${open.length} going on`)}: postern incidents`);
  if (paused !== undefined) print(`paused    until ${localTime(paused.until)} by ${plain(paused.who)}: postern resume`);
  return exitCode;
};

export const statusCommand: Command = {
  name: 'status',
  usage: 'postern status',
  summary:
    'Does the guard run, do the servers ask it, and what is going on? Exit 5 when one does not ask, 6 without a guard.',
  options: [jsonOption, ...deskOptions],
  examples: ['postern status', 'postern status --json'],
  operandsMin: 0,
  operandsMax: 0,
  run,
};
