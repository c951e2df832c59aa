/**
 * The header of a syslog line: `STAMP HOST PROGRAM[PID]: MESSAGE`, in the traditional and the ISO form, with or without
 * `<PRI>`, and RFC 5424. Read from the left end only: nothing a client wrote stands before the message.
 */
import { keep } from '../../model/keep.ts';
import type { Stamps } from './stamps.ts';

/** Written anew for each line: one object for all, because there are millions of them. */
export type Header = { program: string; pid: string; messageAt: number };

const afterPriority = (line: string): number => {
  if (line.charCodeAt(0) !== 60) return 0;
  const close = line.indexOf('>');
  return close > 0 && close <= 4 ? close + 1 : 0;
};

/** RFC 5424: `APP PROCID MSGID SD MSG`; structured data is skipped by its brackets (quoted `]` is escaped there). */
const readRfc5424 = (line: string, at: number, header: Header): boolean => {
  const appEnd = line.indexOf(' ', at);
  const pidEnd = appEnd < 0 ? -1 : line.indexOf(' ', appEnd + 1);
  const idEnd = pidEnd < 0 ? -1 : line.indexOf(' ', pidEnd + 1);
  if (idEnd < 0) return false;
  header.program = line.slice(at, appEnd);
  header.pid = line.slice(appEnd + 1, pidEnd);
  if (header.pid === '-') header.pid = '';
  let end = idEnd + 1;
  if (line.charCodeAt(end) === 45) end++;
  else {
    while (line.charCodeAt(end) === 91) {
      let quoted = false;
      for (end++; end < line.length; end++) {
        const code = line.charCodeAt(end);
        if (code === 92) end++;
        else if (code === 34) quoted = !quoted;
        else if (code === 93 && !quoted) break;
      }
      end++;
    }
  }
  header.messageAt = line.charCodeAt(end) === 32 ? end + 1 : end;
  return true;
};

/** Programs met before, by a hash of their characters: the same few names, millions of times. */
const names = new Map<number, string>();
const namesMax = 1000;

const nameAt = (line: string, from: number, to: number, hash: number): string => {
  const known = names.get(hash);
  if (known !== undefined && known.length === to - from && line.startsWith(known, from)) return known;
  const name = keep(line.slice(from, to));
  if (names.size < namesMax) names.set(hash, name);
  return name;
};

const readTag = (line: string, at: number, header: Header): boolean => {
  let end = at;
  let hash = 0;
  for (; end < line.length; end++) {
    const code = line.charCodeAt(end);
    if (code === 91 || code === 58 || code === 32) break;
    hash = (Math.imul(hash, 31) + code) | 0;
  }
  if (end === at) return false;
  header.program = nameAt(line, at, end, hash);
  header.pid = '';
  if (line.charCodeAt(end) === 91) {
    const close = line.indexOf(']', end);
    if (close < 0) return false;
    header.pid = line.slice(end + 1, close);
    end = close + 1;
  }
  if (line.charCodeAt(end) === 58) end++;
  if (line.charCodeAt(end) === 32) end++;
  header.messageAt = end;
  return true;
};

/** @returns false when the line has no such header; `stamps.time` is the line's time otherwise */
export const readHeader = (line: string, stamps: Stamps, header: Header): boolean => {
  let at = afterPriority(line);
  const isRfc5424 = at > 0 && line.charCodeAt(at) === 49 && line.charCodeAt(at + 1) === 32;
  if (isRfc5424) at += 2;
  const end = stamps.read(line, at);
  if (end < 0 || line.charCodeAt(end) !== 32) return false;
  const hostEnd = line.indexOf(' ', end + 1);
  if (hostEnd < 0) return false;
  return isRfc5424 ? readRfc5424(line, hostEnd + 1, header) : readTag(line, hostEnd + 1, header);
};
