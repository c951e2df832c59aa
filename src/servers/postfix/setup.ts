/** Postfix is told to ask the policy service (SMTPD_POLICY_README, postconf(5)). */
import type { Change } from '../change.ts';
import { sectionLines, withSection } from '../edits/marked-section.ts';
import { names } from '../wiring.ts';
import type { ConnectionLimits, Endpoints } from '../wiring.ts';

type Definition = { readonly from: number; readonly to: number; readonly value: string };

const definition = /^([A-Za-z0-9_]+)[ \t]*=(.*)$/;

/** The definition of a parameter that counts: Postfix takes the last one. Lines that begin with white space continue it. */
const definitionOf = (text: string, parameter: string): Definition | undefined => {
  let found: Definition | undefined;
  let isOpen = false;
  let at = 0;
  for (const line of text.split('\n')) {
    const end = at + line.length;
    const parts = definition.exec(line);
    if (parts !== null) {
      isOpen = parts[1] === parameter;
      if (isOpen) found = { from: at, to: end, value: (parts[2] ?? '').trim() };
    } else if (isOpen && found !== undefined && /^[ \t]+[^\s#]/.test(line))
      found = { ...found, to: end, value: `${found.value} ${line.trim()}`.trim() };
    at = end + 1;
  }
  return found;
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

/**
 * The site's own rules come first and weigh as before; a bare `permit` at their end would hide everything behind it. But
 * before the first that asks the DNS when nothing behind it lets anybody pass: whom we refuse costs no lookup.
 */
const withCall = (value: string, call: string): readonly string[] => {
  const own = value
    .replaceAll(',', ' ')
    .split(' ')
    .filter((word) => word !== '');
  const isOpenEnd = own.at(-1) !== 'permit';
  const rules = isOpenEnd ? own : own.slice(0, -1);
  const lookup = rules.findIndex((rule) => asksAbroad.test(rule));
  const end = lookup >= 0 && rules.slice(lookup).every((rule) => onlyRefuses.test(rule)) ? lookup : rules.length;
  const [before, behind] = [rules.slice(0, end), rules.slice(end)];
  const exempt = before.includes('permit_mynetworks') ? [] : ['permit_mynetworks'];
  const lines = [before.join(' '), ...exempt, call, behind.join(' '), isOpenEnd ? '' : 'permit'];
  return lines.filter((line) => line !== '');
};

const isCalled = (main: string, parameter: string, service: string): boolean =>
  names(definitionOf(main, parameter)?.value ?? '', service);

/**
 * Own networks pass before we are asked.
 * @param major Postfix's major version; before 3 there are no braces, and the time-out is one for all services
 */
export const setUpPostfix = (main: string, { policy }: Endpoints, major: number): Change => {
  const service = `inet:${policy}`;
  const isPrompt = definitionOf(main, 'smtpd_delay_reject')?.value === 'no';
  const wanted = (isPrompt ? promptRestrictions : restrictions)
    .map((stage) => `smtpd_${stage}_restrictions`)
    .filter((parameter) => !isCalled(main, parameter, service));
  if (wanted.length === 0) return { kind: 'nothing' };
  // Two tries, Postfix's default: a process whose only try failed keeps the dead connection, and asks nobody for minutes.
  const call =
    major >= 3
      ? `check_policy_service { ${service}, timeout=3s, default_action=DUNNO }`
      : `check_policy_service ${service}`;
  const told: string[] = [];
  const added: string[] = [];
  let text = main;
  for (const parameter of wanted) {
    const found = definitionOf(text, parameter);
    const line = `${parameter} = ${withCall(found?.value ?? '', call).join(',\n    ')}`;
    told.push(...line.split('\n'));
    if (found === undefined) added.push(...line.split('\n'));
    else text = `${text.slice(0, found.from)}${line}${text.slice(found.to)}`;
  }
  const more = major >= 3 ? [] : ['smtpd_policy_service_timeout = 3s'];
  const section = [...sectionLines(text), ...added, ...more.filter((line) => !text.includes(line))];
  return { kind: 'changed', text: withSection(text, section, false), lines: [...told, ...more] };
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
  const found = definitionOf(main, 'smtpd_milters');
  if (names(found?.value ?? '', service)) return { kind: 'nothing' };
  const ours = major >= 3 ? `{ ${service}, connect_timeout=2s, command_timeout=5s, default_action=accept }` : service;
  const line = `smtpd_milters = ${[ours, ...(found === undefined || found.value === '' ? [] : [found.value])].join(',\n    ')}`;
  // Before 3 one answer serves all milters.
  const more = major >= 3 ? [] : ['milter_default_action = accept', 'milter_command_timeout = 5s'];
  const lines = [...line.split('\n'), ...more];
  const text =
    found === undefined
      ? withSection(main, [...sectionLines(main), ...lines], false)
      : withSection(
          `${main.slice(0, found.from)}${line}${main.slice(found.to)}`,
          [...sectionLines(main), ...more],
          false,
        );
  return { kind: 'changed', text, lines };
};
