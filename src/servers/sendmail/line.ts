/** One Sendmail log line on its way through the grammar. */
import { canonicalAddress } from '../../model/address.ts';
import { draftEvent } from '../../model/event.ts';
import type { EventDraft, EventKind } from '../../model/event.ts';

/** Written anew for each line (one object: there are millions of lines). */
export type Line = { time: number; pid: string; queueId: string; text: string };

export const draft = (line: Line, kind: EventKind): EventDraft => {
  const event = draftEvent(line.time, 'sendmail', kind);
  if (line.queueId !== '') event.queueId = line.queueId;
  return event;
};

/**
 * The address of `HOST [ADDRESS] (may be forged)`, `[ADDRESS]`, `HOST [IPv6:…]` that begins at `from`. The host is a name
 * that the DNS gave and holds neither space nor bracket.
 */
export const relayAt = (text: string, from: number): string | undefined => {
  let open = from;
  for (; open < text.length; open++) {
    const code = text.charCodeAt(open);
    if (code === 91) break;
    if (code === 32 && text.charCodeAt(open + 1) !== 91) return undefined;
    if (code === 44) return undefined;
  }
  const close = text.indexOf(']', open);
  return close < 0 ? undefined : canonicalAddress(text.slice(open + 1, close));
};

export const relayMark = ', relay=';

/** On lines where the relay is the last field: what a client wrote stands before it. */
export const lastRelay = (text: string): string | undefined => {
  const at = text.lastIndexOf(relayMark);
  return at < 0 ? undefined : relayAt(text, at + relayMark.length);
};

/** On lines where the client's words stand on both sides: only when the field stands there once. */
export const onlyRelay = (text: string): string | undefined => {
  const at = text.indexOf(relayMark);
  return at < 0 || text.includes(relayMark, at + relayMark.length) ? undefined : relayAt(text, at + relayMark.length);
};

/** The text of ` NAME=…` up to the next comma, from `from` on. */
export const field = (text: string, name: string, from = 0): string | undefined => {
  const at = text.indexOf(`, ${name}=`, from);
  if (at < 0) return undefined;
  const start = at + name.length + 3;
  const end = text.indexOf(', ', start);
  return text.slice(start, end < 0 ? undefined : end);
};
