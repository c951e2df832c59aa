/**
 * Writes a log as a Postfix and a Dovecot of a provider with 20,000 mailboxes write it, always the same for a number of
 * lines: `node bench/analyze/generate.ts LINES FILE`. Sessions run beside each other, so their lines are mixed.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { attackAt } from './attacks.ts';
import { createDice } from './dice.ts';
import { anySession } from './sessions.ts';

const seed = 20_261_121;
const sessionsAtOnce = 60;
const firstPid = 10_000;
const msBetweenLinesMax = 40;
const start = Date.UTC(2026, 10, 16);
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const linesPerWrite = 8192;

/** As syslog stamps: `Nov  6 03:04:05`. */
const stampOf = (time: number): string => {
  const date = new Date(time);
  return `${months[date.getUTCMonth()] ?? ''} ${`${date.getUTCDate()}`.padStart(2)} ${date.toISOString().slice(11, 19)}`;
};

export const generateLog = (lines: number, file: string): void => {
  const dice = createDice(seed);
  const out = openSync(file, 'w');
  /** What each process has still to log, last line first. */
  const running: string[][] = Array.from({ length: sessionsAtOnce }, () => []);
  let written: string[] = [];
  let time = start;
  let stamp = stampOf(time);
  for (let line = 0; line < lines; line++) {
    const place = dice.below(sessionsAtOnce);
    const pid = firstPid + place;
    let text = running[place]?.pop();
    if (text === undefined) {
      const session = (attackAt(dice, line) ?? anySession)(dice, pid).toReversed();
      running[place] = session;
      text = session.pop() ?? '';
    }
    const second = Math.floor(time / 1000);
    time += dice.below(msBetweenLinesMax);
    if (Math.floor(time / 1000) !== second) stamp = stampOf(time);
    written.push(`${stamp} mx ${text}\n`);
    if (written.length < linesPerWrite && line < lines - 1) continue;
    writeSync(out, written.join(''), null, 'latin1');
    written = [];
  }
  closeSync(out);
};

if (import.meta.main) {
  const [lines = '', file = ''] = process.argv.slice(2);
  if (!(Number(lines) > 0) || file === '') throw new Error('usage: generate.ts LINES FILE');
  generateLog(Number(lines), file);
}
