/** Postfix is told to ask the policy service (SMTPD_POLICY_README, postconf(5)). */
import type { Change } from '../change.ts';
import { sectionLines, withSection } from '../edits/marked-section.ts';
import { names } from '../wiring.ts';
import type { ConnectionLimits, Endpoints } from '../wiring.ts';

type Word = { readonly text: string; readonly from: number; readonly to: number };
/** Where a definition stands in the text, and the words of its value. */
type Definition = { readonly from: number; readonly to: number; readonly words: readonly Word[] };

/** Separators are white space and commas, but not within braces. */
const wordsIn = (text: string, from: number, to: number): readonly Word[] => {
  const words: Word[] = [];
  const value = text.slice(from, to).replaceAll(/\n[ \t]*#[^\n]*/g, (comment) => ' '.repeat(comment.length));
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= value.length; at++) {
    const char = value.charAt(at);
    if (char === '{') depth++;
    if (char === '}') depth--;
    if (char !== '' && (depth > 0 || !/[\s,]/.test(char))) continue;
    if (at > start) words.push({ text: value.slice(start, at), from: from + start, to: from + at });
    start = at + 1;
  }
  return words;
};

/**
 * The definition of a parameter that counts: Postfix takes the last one. Lines that begin with white space continue it, and
 * comments and empty lines may stand between.
 */
const definitionOf = (text: string, parameter: string): Definition | undefined => {
  let found: { from: number; value: number; to: number } | undefined;
  let isOpen = false;
  let at = 0;
  for (const line of text.split('\n')) {
    const to = at + line.length;
    if (!/^\s*(?:#|$)/.test(line)) {
      const equals = line.indexOf('=');
      if (!/^\s/.test(line)) {
        isOpen = equals >= 0 && line.slice(0, equals).trim() === parameter;
        if (isOpen) found = { from: at, value: at + equals + 1, to };
      } else if (isOpen && found !== undefined) found.to = to;
    }
    at = to + 1;
  }
  return found && { from: found.from, to: found.to, words: wordsIn(text, found.value, found.to) };
};

const valueOf = (text: string, parameter: string): string =>
  definitionOf(text, parameter)
    ?.words.map((word) => word.text)
    .join(' ') ?? '';

/** What is there stays, byte for byte. @param place how many of the definition's words stand before the new ones */
const withRules = (text: string, { to, words }: Definition, place: number, rules: readonly string[]): string => {
  const next = words[place];
  if (next !== undefined)
    return `${text.slice(0, next.from)}${rules.map((rule) => `${rule},\n    `).join('')}${text.slice(next.from)}`;
  const end = words.at(-1)?.to ?? to;
  return `${text.slice(0, end)}${words.length === 0 ? ' ' : ',\n    '}${rules.join(',\n    ')}${text.slice(end)}`;
};

/**
 * Where Postfix asks. At the sender's stage every client is seen, those that relay and those that logged in too. With
 * smtpd_delay_reject = yes, the default, connect, HELO and MAIL are answered at RCPT, and one question serves them all.
 */
const restrictions = ['sender', 'data', 'end_of_data', 'etrn'];
const promptRestrictions = ['client', 'helo', 'sender', 'recipient', 'data', 'end_of_data', 'etrn'];

/** Rules that ask the DNS, or another server. */
const asksAbroad = /^(?:reject_(?:unknown_|unverified_|rbl_|rhsbl_)|check_\w+_(?:mx|ns|a)_access$)/;
/** Rules that can only refuse, and the zones of lists: in whatever order they stand, the same clients are refused. */
const onlyRefuses = /^(?:reject|warn_if_reject|[\w-]+\.[\w.-]+$)/;
const exemption = 'permit_mynetworks';

/**
 * The site's own rules come first and weigh as before; a bare `permit` at their end would hide everything behind it. But
 * before the first that asks the DNS, when own networks are exempt from it already and nothing behind it lets anybody pass:
 * whom we refuse costs no lookup.
 */
const withCall = (text: string, found: Definition, call: string): string => {
  const rules = found.words.map((word) => word.text);
  const own = rules.at(-1) === 'permit' ? rules.slice(0, -1) : rules;
  const lookup = own.findIndex((rule) => asksAbroad.test(rule));
  const isFirst = own.slice(0, lookup).includes(exemption) && own.slice(lookup).every((rule) => onlyRefuses.test(rule));
  const place = lookup >= 0 && isFirst ? lookup : own.length;
  return withRules(text, found, place, own.slice(0, place).includes(exemption) ? [call] : [exemption, call]);
};

const isCalled = (main: string, parameter: string, service: string): boolean =>
  names(valueOf(main, parameter), service);

type Edited = { readonly text: string; readonly lines: readonly string[] };

/** The definition of a parameter, changed where it stands; without one, an empty one that is changed, for our section. */
const edited = (main: string, parameter: string, edit: (text: string, found: Definition) => string): Edited => {
  const found = definitionOf(main, parameter);
  if (found === undefined) {
    const own = `${parameter} =`;
    const line = edit(own, { from: 0, to: own.length, words: [] });
    return { text: withSection(main, [...sectionLines(main), ...line.split('\n')], false), lines: line.split('\n') };
  }
  const text = edit(main, found);
  const lines = text.slice(found.from, found.to + text.length - main.length).split(/\r?\n/);
  return { text, lines };
};

/** Also these settings, in our section, unless they hold already. */
const withSettings = (main: string, settings: readonly string[]): string => {
  const missing = settings.filter((line) => {
    const [name = '', value = ''] = line.split(' = ');
    return valueOf(main, name) !== value;
  });
  return missing.length === 0 ? main : withSection(main, [...sectionLines(main), ...missing], false);
};

/**
 * Own networks pass before we are asked.
 * @param major Postfix's major version; before 3 there are no braces, and the time-out is one for all services
 */
export const setUpPostfix = (main: string, { policy }: Endpoints, major: number): Change => {
  const service = `inet:${policy}`;
  const isPrompt = valueOf(main, 'smtpd_delay_reject') === 'no';
  const wanted = (isPrompt ? promptRestrictions : restrictions)
    .map((stage) => `smtpd_${stage}_restrictions`)
    .filter((parameter) => !isCalled(main, parameter, service));
  if (wanted.length === 0) return { kind: 'nothing' };
  // Two tries, Postfix's default: a process whose only try failed keeps the dead connection, and asks nobody for minutes.
  const call =
    major >= 3
      ? `check_policy_service { ${service}, timeout=3s, default_action=DUNNO }`
      : `check_policy_service ${service}`;
  const more = major >= 3 ? [] : ['smtpd_policy_service_timeout = 3s'];
  const told: string[] = [];
  let text = main;
  for (const parameter of wanted) {
    const next = edited(text, parameter, (before, found) => withCall(before, found, call));
    told.push(...next.lines);
    ({ text } = next);
  }
  return { kind: 'changed', text: withSettings(text, more), lines: [...told, ...more] };
};

/**
 * anvil(8) counts a client's connections; own networks are exempt (smtpd_client_event_limit_exceptions). What the file says of
 * itself stays. A flood of 20 at once from each of five addresses still fills Postfix's 100 processes: that is for the firewall.
 */
export const limitPostfix = (main: string, { connectionsAtOnce, connectionsPerMinute }: ConnectionLimits): Change => {
  const limits = [
    ['smtpd_client_connection_count_limit', connectionsAtOnce],
    ['smtpd_client_connection_rate_limit', connectionsPerMinute],
  ] as const;
  const lines = limits
    .filter(([parameter, limit]) => limit > 0 && definitionOf(main, parameter) === undefined)
    .map(([parameter, limit]) => `${parameter} = ${limit}`);
  if (lines.length === 0) return { kind: 'nothing' };
  return { kind: 'changed', text: withSection(main, [...sectionLines(main), ...lines], false), lines };
};

/** The milter hears refused recipients too. Others that are there stay, behind ours. */
export const setUpPostfixMilter = (main: string, { milter }: Endpoints, major: number): Change => {
  const service = `inet:${milter}`;
  if (isCalled(main, 'smtpd_milters', service)) return { kind: 'nothing' };
  const ours =
    major >= 3
      ? `{ ${service}, connect_timeout=2s, command_timeout=5s, content_timeout=30s, default_action=accept }`
      : service;
  // Before 3 one answer serves all milters.
  const more =
    major >= 3 ? [] : ['milter_default_action = accept', 'milter_command_timeout = 5s', 'milter_content_timeout = 30s'];
  const { text, lines } = edited(main, 'smtpd_milters', (before, found) => withRules(before, found, 0, [ours]));
  return { kind: 'changed', text: withSettings(text, more), lines: [...lines, ...more] };
};
