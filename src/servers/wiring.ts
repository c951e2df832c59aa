/**
 * What a server's own configuration says of our hooks: at which stages of which service it would ask, whom it exempts, and
 * which limits it leaves unset. Each server's folder reads its own.
 */
import type { ServerName } from '../model/event.ts';

export type HookKind = 'policy' | 'milter' | 'readsocket' | 'authPolicy';

/** `with-recipient`: the stage has no question of its own, what is asked at RCPT decides it too. */
export type Wired = 'configured' | 'with-recipient' | 'not';

export type WiredStage = 'connect' | 'helo' | 'auth' | 'sender' | 'recipient' | 'data' | 'message' | 'etrn' | 'quit';

export type Service = {
  /** As the server calls it: `smtp`, `submission`, `imap`. */
  readonly name: string;
  /** undefined: every address of this machine. */
  readonly host: string | undefined;
  readonly port: number;
  readonly hooks: ReadonlyMap<HookKind, ReadonlyMap<WiredStage, Wired>>;
};

/** Something that is to be set and is not. */
export type Lack = { readonly id: string; readonly words: string };

export type Wiring = {
  readonly server: ServerName;
  readonly version: string;
  readonly services: readonly Service[];
  /** A recipient that the server is likely to have, and about which it asks as about any other. */
  readonly postmaster: string;
  /** Addresses and networks that its rules let pass before ours. */
  readonly exempt: readonly string[];
  readonly lacks: readonly Lack[];
};

/** Where the guard is asked, as `host:port`. */
export type Endpoints = {
  readonly policy: string;
  readonly milter: string;
  readonly readsocket: string;
  readonly authPolicy: string;
  /** The milter as a unix socket, for a server on this machine. */
  readonly milterSocket?: string;
};

/** What a server is told to allow one client; 0 is no limit. */
export type ConnectionLimits = { readonly connectionsPerMinute: number; readonly connectionsAtOnce: number };

/** True when `word` stands in the text and no longer address begins with it. */
export const names = (text: string, word: string): boolean => {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
    if (!/[\w.]/.test(text.charAt(at + word.length))) return true;
  return false;
};

/** `name = value` a line; lines that begin with white space continue the value. */
export const readAssignments = (text: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  let name = '';
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (/^\s/.test(line)) {
      if (name !== '') found.set(name, `${found.get(name) ?? ''} ${line.trim()}`.trim());
    } else if (equals > 0) {
      name = line.slice(0, equals).trim();
      found.set(name, line.slice(equals + 1).trim());
    }
  }
  return found;
};

/** The value of the first line `name = value` of a text, however far it is indented. */
export const settingOf = (text: string, name: string): string | undefined => {
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (!trimmed.startsWith(name)) continue;
    const rest = trimmed.slice(name.length).trimStart();
    if (rest.startsWith('=')) return rest.slice(1).trim();
  }
  return undefined;
};

export const unset = (id: string, lacking: readonly string[]): readonly Lack[] =>
  lacking.length === 0 ? [] : [{ id, words: `unset: ${lacking.join(', ')}` }];
