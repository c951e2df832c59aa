/** `panic` and `calm`: the emergency measures as one switch, previewed first, taken back whole. Nothing is purged. */
import { catchAllLock } from '../act/catchall-lock.ts';
import { performAll, planAll } from '../act/perform.ts';
import { undo } from '../act/recover.ts';
import { strictAnswers } from '../act/strict-answers.ts';
import { auditCatchAlls } from '../guard/catch-alls/audit.ts';
import { accepts } from '../guard/catch-alls/places.ts';
import { Fault } from '../model/fault.ts';
import { anyJson } from '../show/text/json.ts';
import { plain } from '../show/text/plain.ts';
import { localTime } from '../show/text/time.ts';
import { actingOptions, forOption, untilOf } from './acting.ts';
import { placeOptions, placesOf } from './catchall-places.ts';
import type { Call, Command } from './command.ts';
import { jsonOption } from './command.ts';
import { atDesk, deskOptions, sayWithoutGuard, unheard, whereKnown, whoAsks } from './desk.ts';

const panicSeconds = 6 * 3600;
const reason = 'panic';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

const panic = (call: Call): Promise<number> =>
  atDesk(call, async (desk) => {
    const until = untilOf(call, panicSeconds);
    const audited = await auditCatchAlls(placesOf(call), desk.carryOut).catch((error: unknown) => {
      // A host without maps of its own still answers strictly.
      if (error instanceof Fault) return [];
      throw error;
    });
    const files = new Map(
      audited.filter(accepts).flatMap(({ file }) => (file === undefined ? [] : [[file.path, file] as const])),
    );
    const locks = [...files.values()].map(({ path, format, fileDomain, map }) => ({
      path,
      format,
      fileDomain,
      map,
      domains: undefined,
    }));
    if (!call.options.has('apply')) {
      const plans = [
        ...(await planAll(strictAnswers, [undefined], desk.carryOut)),
        ...(await planAll(catchAllLock, locks, desk.carryOut)),
      ];
      const lines = plans.flatMap((plan) => plan.lines);
      if (call.options.has('json')) print(anyJson({ dryRun: true, lines }));
      else {
        for (const line of lines) print(`would be done: ${plain(line)}`);
        print('do it: postern panic --apply; nothing is purged, postern calm takes all of it back');
      }
      return 0;
    }
    sayWithoutGuard(call, unheard);
    const why = [reason, call.options.get('why') ?? ''].join(' ').trim();
    const order = { who: whoAsks(), why, until, incident: undefined };
    const done = [
      ...(await performAll(strictAnswers, [undefined], order, desk)),
      ...(await performAll(catchAllLock, locks, order, desk)),
    ];
    const ids = done.flatMap(({ receipt }) => receipt?.id ?? []);
    if (call.options.has('json')) print(anyJson({ until, actions: ids }));
    else {
      for (const line of done.flatMap(({ plan }) => plan.lines)) print(`done: ${plain(line)}`);
      print(`take it back: postern calm; ends by itself ${localTime(until)}`);
    }
    return 0;
  });

const calm = (call: Call): Promise<number> =>
  atDesk(call, async (desk) => {
    const receipts = [...desk.receipts.inForce('catchall-lock'), ...desk.receipts.inForce('strict-answers')].filter(
      ({ why }) => why.startsWith(reason),
    );
    const ids = receipts.map(({ id }) => id);
    const kept = ids.length === 0 ? '' : await undo(ids, whoAsks(), desk);
    if (call.options.has('json')) print(anyJson({ undone: ids, kept }));
    else
      print(
        ids.length === 0 ? 'no panic is on' : `as before: ${receipts.map(({ subject }) => plain(subject)).join(', ')}`,
      );
    if (kept !== '') process.stderr.write(`postern: ${plain(kept)}\n`);
    return kept === '' ? 0 : 5;
  });

export const panicCommand: Command = {
  name: 'panic',
  usage: 'postern panic [--apply]',
  summary:
    'Emergency measures as one switch, shown first. Unknown names are refused everywhere, unknown clients asked to come back.',
  options: [
    { name: 'apply', sentence: 'Do it.' },
    { ...forOption, sentence: 'How long: 30m, 6h (default), 2d; then as before by itself.' },
    ...placeOptions,
    ...actingOptions,
  ],
  examples: ['postern panic', 'sudo postern panic --apply --for 2h'],
  operandsMin: 0,
  operandsMax: 0,
  run: panic,
};

export const calmCommand: Command = {
  name: 'calm',
  usage: 'postern calm',
  summary: 'Takes all of a panic back, byte for byte.',
  options: [jsonOption, ...deskOptions],
  examples: ['sudo postern calm'],
  operandsMin: 0,
  operandsMax: 0,
  run: whereKnown(calm),
};
