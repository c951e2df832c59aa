/** `pause` and `resume`: keeps watching, stops acting, in the SMTP dialogue too. */
import { anyJson } from '../show/text/json.ts';
import { isoTime, localTime } from '../show/text/time.ts';
import { untilOf } from './acting.ts';
import { jsonOption } from './command.ts';
import type { Call, Command } from './command.ts';
import { deskOptions, readAtDesk, sayWithoutGuard, unheard, whereKnown, whoAsks } from './desk.ts';

const pauseSeconds = 3600;

const pause = (call: Call): Promise<number> =>
  readAtDesk(call, async (desk) => {
    const until = untilOf(call, pauseSeconds);
    sayWithoutGuard(call, unheard);
    desk.pause.set({ until, who: whoAsks(), why: call.options.get('why') ?? '' });
    process.stdout.write(
      call.options.has('json')
        ? `${anyJson({ pausedUntil: isoTime(until) })}\n`
        : `paused until ${localTime(until)}: everything is judged and reported, nothing is refused, blocked or held\nwhat is in force stays (postern actions); end the pause: postern resume\n`,
    );
    return Promise.resolve(0);
  });

export const pauseCommand: Command = {
  name: 'pause',
  usage: 'postern pause [--for TIME]',
  summary: 'Keeps watching and stops acting: no refusal, no delay, no block. The guard hears it within two seconds.',
  options: [
    { name: 'for', value: 'TIME', sentence: 'How long: 30m, 1h (default), 1d.' },
    { name: 'why', value: 'TEXT', sentence: 'Kept, for whoever asks later.' },
    jsonOption,
    ...deskOptions,
  ],
  examples: ['postern pause', 'postern pause --for 1d --why "moving the lists"'],
  operandsMin: 0,
  operandsMax: 0,
  run: whereKnown(pause),
};

const resume = (call: Call): Promise<number> =>
  readAtDesk(call, async (desk) => {
    const wasPaused = desk.pause.get() !== undefined;
    desk.pause.set(undefined);
    const words = wasPaused ? 'acting again' : 'there was no pause';
    process.stdout.write(call.options.has('json') ? `${anyJson({ wasPaused })}\n` : `${words}\n`);
    return Promise.resolve(0);
  });

export const resumeCommand: Command = {
  name: 'resume',
  usage: 'postern resume',
  summary: 'Ends a pause.',
  options: [jsonOption, ...deskOptions],
  examples: ['postern resume'],
  operandsMin: 0,
  operandsMax: 0,
  run: whereKnown(resume),
};
