/** One Postfix log line on its way through the grammar, and the readers of a daemon's lines. */
import { draftEvent } from '../../model/event.ts';
import type { EventDraft, EventKind, Protocol } from '../../model/event.ts';
import type { Tell } from '../../model/ports.ts';
import { canonicalAddress } from '../../model/address.ts';
import type { Understood } from '../grammar.ts';
import type { PostfixMemory } from './memory.ts';

/** Who writes, under its whole name (`postfix/submission/smtpd`). */
export type Program = { readonly tag: string; readonly daemon: string; readonly protocol: Protocol };

/** Written anew for each line (one object: there are millions of lines). */
export type Line = {
  time: number;
  program: Program;
  pid: string;
  /** The queue id when the line begins with one, else ''. */
  queueId: string;
  /** The text behind `QUEUEID: `, or the whole message. */
  text: string;
};

export type DaemonReader = (line: Line, memory: PostfixMemory, tell: Tell) => Understood;

export const draft = (line: Line, kind: EventKind): EventDraft => {
  const event = draftEvent(line.time, 'postfix', kind);
  event.protocol = line.program.protocol;
  if (line.queueId !== '') event.queueId = line.queueId;
  return event;
};

export const sessionOf = (line: Line): string => `${line.program.tag}:${line.pid}`;

/** Where `peerAt` stopped reading: behind the closing bracket and a port. */
export const peerEnd = { at: 0 };

/**
 * The address of `NAME[ADDRESS]` or `[ADDRESS]:PORT` that begins at `from`, which is where Postfix itself writes it. The
 * name is a verified host name and holds no bracket, so the first one is Postfix's.
 */
export const peerAt = (text: string, from: number): string | undefined => {
  const open = text.indexOf('[', from);
  const close = open < 0 ? -1 : text.indexOf(']', open);
  const space = text.indexOf(' ', from);
  if (close < 0 || (space >= 0 && space < open)) {
    peerEnd.at = from;
    return undefined;
  }
  let end = close + 1;
  if (text.charCodeAt(end) === 58) {
    let port = end + 1;
    while (text.charCodeAt(port) >= 48 && text.charCodeAt(port) <= 57) port++;
    if (port > end + 1) end = port;
  }
  peerEnd.at = end;
  return canonicalAddress(text.slice(open + 1, close));
};

/** Tells what the client did whose `NAME[ADDRESS]` begins at `from`. */
export const tellPeer = (
  line: Line,
  tell: Tell,
  kind: EventKind,
  from: number,
  fill?: (event: EventDraft) => void,
): Understood => {
  const event = draft(line, kind);
  event.client = peerAt(line.text, from);
  event.session = sessionOf(line);
  fill?.(event);
  tell(event);
  return 'event';
};

/** The text between `open` and the next `close` from `from` on; undefined when either is missing. */
export const between = (text: string, open: string, close: string, from = 0): string | undefined => {
  const start = text.indexOf(open, from);
  if (start < 0) return undefined;
  const end = text.indexOf(close, start + open.length);
  return end < 0 ? undefined : text.slice(start + open.length, end);
};
