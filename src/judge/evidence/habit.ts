/**
 * Habits: what an attacker says at every door, whichever address it comes from. Its HELO name and its envelope sender's
 * domain, as templates: numbers and long hexadecimal words are where a program counts (DETECTION B.16).
 */
import { canonicalAddress, domainOf } from '../../model/address.ts';
import type { JudgedEvent } from '../../model/event.ts';
import { keep } from '../../model/keep.ts';

/** Many say these, so they tell nobody apart. */
const common: ReadonlySet<string> = new Set([
  'EHLO [address]',
  'EHLO localhost',
  'EHLO localhost.localdomain',
  'from <>',
]);
const nameCharsMax = 100;
const cachedMax = 4096;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isHexLetter = (code: number): boolean => code >= 97 && code <= 102;
const longWord = /[#a-f]{8,}/g;

/** Numbers become `#`, and then long words of `#` and hexadecimal letters `h`. */
const template = (name: string): string => {
  const text = name.slice(0, nameCharsMax).toLowerCase();
  let made = '';
  let from = 0;
  let run = 0;
  let longest = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const isNumber = isDigit(code);
    run = isNumber || isHexLetter(code) || code === 35 ? run + 1 : 0;
    longest = Math.max(longest, run);
    if (!isNumber) continue;
    made += `${text.slice(from, at)}#`;
    while (isDigit(text.charCodeAt(at + 1))) at++;
    from = at + 1;
  }
  made += text.slice(from);
  return longest < 8 ? made : made.replaceAll(longWord, 'h');
};

const heloHabit = (helo: string): string =>
  `EHLO ${canonicalAddress(helo) === undefined ? template(helo) : '[address]'}`;

const senderHabit = (sender: string): string => `from <${sender === '' ? '' : `@${template(domainOf(sender))}`}>`;

/** True when it tells one attacker from another. */
export const isTelling = (habit: string): boolean => !common.has(habit);

const nothing: readonly string[] = [];

/** The habit behind a name; names that come again are worked out once. */
const remembered = (make: (name: string) => string): ((name: string) => string) => {
  let known = new Map<string, string>();
  return (name) => {
    let habit = known.get(name);
    if (habit === undefined) {
      if (known.size >= cachedMax) known = new Map();
      known.set(keep(name), (habit = make(name)));
    }
    return habit;
  };
};

/** @returns what tells the habits of an event */
export const createHabits = (): ((event: JudgedEvent) => readonly string[]) => {
  const ofHelo = remembered(heloHabit);
  const ofSender = remembered(senderHabit);
  return ({ helo = '', sender }) => {
    if (sender === undefined) return helo === '' ? nothing : [ofHelo(helo)];
    return helo === '' ? [ofSender(sender)] : [ofHelo(helo), ofSender(sender)];
  };
};
