/** ConfigServer firewall: csf.allow, csf.ignore and csf.deny, an address or network a line, then `#` and a remark. */
import { nothing, sorted } from './imported.ts';
import type { Imported } from './imported.ts';

const entriesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.split('#')[0]?.trim() ?? '')
    .filter((entry) => entry !== '');

const included = (entry: string): boolean => entry.toLowerCase().startsWith('include ');
const why = (entry: string): string =>
  included(entry)
    ? `${entry}: name that file too`
    : `${entry}: a rule with ports or a name; Postern closes mail ports for an address, nothing finer`;

export const readCsfAllow = (text: string): Imported => {
  const { networks, others } = sorted(entriesOf(text));
  return { ...nothing, allow: networks, skipped: others.map(why) };
};

export const readCsfDeny = (text: string): Imported => {
  const { networks, others } = sorted(entriesOf(text));
  return { ...nothing, deny: networks.map((network) => ({ network, until: undefined })), skipped: others.map(why) };
};

const known = new Map([
  ['LF_SMTPAUTH', 'failed SMTP logins'],
  ['LF_POP3D', 'failed POP3 logins'],
  ['LF_IMAPD', 'failed IMAP logins'],
  ['LF_EXIMSYNTAX', 'SMTP protocol errors'],
  ['LF_DISTSMTP', 'distributed SMTP logins to one account'],
  ['RT_RELAY_LIMIT', 'mail relayed an hour'],
  ['RT_AUTHRELAY_LIMIT', 'mail of one account an hour'],
  ['LF_QUEUE_ALERT', 'a growing queue'],
  ['LF_SCRIPT_LIMIT', 'mail of one script'],
]);

/** csf.conf: `LF_SMTPAUTH = "5"`. */
export const readCsfConfig = (text: string): Imported => ({
  ...nothing,
  differs: text.split('\n').flatMap((line) => {
    const [, name = '', value = ''] = /^([A-Z0-9_]+) *= *"([^"]*)"/.exec(line) ?? [];
    const meaning = known.get(name);
    return meaning === undefined || value === '0' || value === ''
      ? []
      : [`${name} = ${value} (${meaning}): Postern judges this by ratio, not by a count`];
  }),
});
