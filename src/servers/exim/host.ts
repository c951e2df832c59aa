/**
 * Exim's host item: `NAME (HELO) [ADDRESS]:PORT`. The name is verified and holds neither space nor bracket; the HELO in
 * the parentheses is the client's own and may imitate what follows, and so may a sender or a command around the item.
 * Where two places look like the address, nobody is named: an innocent is worth more than one line of evidence.
 */
import { canonicalAddress } from '../../model/address.ts';

export type Host = {
  readonly client: string | undefined;
  readonly helo: string | undefined;
  /** Behind the address's bracket; undefined when nobody is named. */
  readonly end: number | undefined;
};
export const nobody: Host = { client: undefined, helo: undefined, end: undefined };

/** The address in the bracket that opens at `open`. */
const addressAt = (text: string, open: number): string | undefined => {
  const close = text.indexOf(']', open);
  return close < 0 ? undefined : canonicalAddress(text.slice(open + 1, close));
};

/** A HELO ends where `) [ADDRESS]` follows; undefined when more than one place looks so. */
const heloEnd = (text: string, from: number, until: number): number | undefined => {
  let found: number | undefined;
  for (let at = text.indexOf(') [', from); at >= 0 && at < until; at = text.indexOf(') [', at + 3)) {
    if (addressAt(text, at + 2) === undefined) continue;
    if (found !== undefined) return undefined;
    found = at;
  }
  return found;
};

/** Whether behind `from` another address looks like the end of a host item: then what stands before may be a HELO's. */
export const namesAnother = (text: string, from: number, client: string | undefined): boolean => {
  for (let at = text.indexOf(') [', from); at >= 0; at = text.indexOf(') [', at + 3)) {
    const address = addressAt(text, at + 2);
    if (address !== undefined && address !== client) return true;
  }
  return false;
};

/**
 * The host item that begins at `from`.
 * @param until where it must have ended, if that is known
 */
export const hostAt = (text: string, from: number, until = text.length): Host => {
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 32 || code === 40 || code === 91) break;
  }
  if (at > from && text.charCodeAt(at) === 32) at++;
  if (text.charCodeAt(at) === 91)
    return { client: addressAt(text, at), helo: undefined, end: text.indexOf(']', at) + 1 };
  if (text.charCodeAt(at) !== 40) return nobody;
  const end = heloEnd(text, at, until);
  if (end === undefined) return nobody;
  // Exim takes no HELO with a blank unless it is told to (helo_accept_junk_hosts): it may hold what should stand behind it.
  if (until < text.length && text.slice(at, end).includes(' ')) return hostAt(text, from);
  return { client: addressAt(text, end + 2), helo: text.slice(at + 1, end), end: text.indexOf(']', end) + 1 };
};

/** The host item behind a mark that a client could have written too: only when the mark stands there once. */
export const hostBehind = (text: string, mark: string): Host => {
  const at = text.indexOf(mark);
  return at < 0 || text.includes(mark, at + mark.length) ? nobody : hostAt(text, at + mark.length);
};
