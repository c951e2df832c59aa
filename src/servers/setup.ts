/**
 * What each mail server's configuration needs so that it asks Postern, as a change of its text (latin1, everything else byte
 * for byte). Dangerous defaults are set explicitly: who does not get an answer lets mail flow.
 *
 * Postfix: SMTPD_POLICY_README, postconf(5). Exim: acl.ts. Sendmail: op.me, "X -- Mail Filter". Dovecot: auth policy.
 */
import { eximAcls } from './exim/acl.ts';
import { sectionLines, withSection } from './marked-section.ts';

export type Endpoints = {
  readonly policy: string;
  readonly milter: string;
  readonly readsocket: string;
  readonly authPolicy: string;
};

export type Change =
  | { readonly kind: 'changed'; readonly text: string; readonly lines: readonly string[] }
  /** It asks already. */
  | { readonly kind: 'nothing' }
  /** Not to be done by a program; what a person does instead. */
  | { readonly kind: 'by-hand'; readonly why: string };

const nothing: Change = { kind: 'nothing' };
const byHand = (why: string): Change => ({ kind: 'by-hand', why });

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

const senderRestrictions = 'smtpd_sender_restrictions';

/** The site's own rules come first and weigh as before; a bare `permit` at their end would hide everything behind it. */
const withCall = (value: string, call: string): readonly string[] => {
  const own = value
    .replaceAll(',', ' ')
    .split(' ')
    .filter((word) => word !== '');
  const isOpenEnd = own.at(-1) !== 'permit';
  const rules = (isOpenEnd ? own : own.slice(0, -1)).join(' ');
  const exempt = rules.split(' ').includes('permit_mynetworks') ? [] : ['permit_mynetworks'];
  return [...(rules === '' ? [] : [rules]), ...exempt, call, ...(isOpenEnd ? [] : ['permit'])];
};

/**
 * At the sender's stage every client is seen, those that relay and those that logged in too; own networks pass before.
 * @param major Postfix's major version; before 3 there are no braces, and the time-out is one for all services
 */
export const setUpPostfix = (main: string, { policy }: Endpoints, major: number): Change => {
  const service = `inet:${policy}`;
  if (main.includes(service)) return nothing;
  const call =
    major >= 3
      ? `check_policy_service { ${service}, timeout=3s, default_action=DUNNO }`
      : `check_policy_service ${service}`;
  const found = definitionOf(main, senderRestrictions);
  const line = `${senderRestrictions} = ${withCall(found?.value ?? '', call).join(',\n    ')}`;
  const more = major >= 3 ? [] : ['smtpd_policy_service_timeout = 3s'];
  const text =
    found === undefined
      ? withSection(main, [...line.split('\n'), ...more], false)
      : withSection(`${main.slice(0, found.from)}${line}${main.slice(found.to)}`, more, false);
  return { kind: 'changed', text, lines: [...line.split('\n'), ...more] };
};

/** Options may stand anywhere in sendmail.cf; the .mc is named too, or the next build forgets them. */
export const sendmailMcLine = (milter: string): string => {
  const [host = '127.0.0.1', port = '10041'] = milter.split(':');
  return `INPUT_MAIL_FILTER(\`postern', \`S=inet:${port}@${host}, T=C:2s;S:2s;R:5s;E:30s')dnl`;
};

export const setUpSendmail = (cf: string, { milter }: Endpoints): Change => {
  const [host = '127.0.0.1', port = '10041'] = milter.split(':');
  const socket = `S=inet:${port}@${host}`;
  if (sectionLines(cf).some((line) => line.includes(socket)) || /^Xpostern,/m.test(cf)) return nothing;
  const other = /^O InputMailFilters=(\S+)/m.exec(cf)?.[1];
  if (other !== undefined)
    return byHand(
      `sendmail.cf asks ${other} already: add this line to sendmail.mc and build it: ${sendmailMcLine(milter)}`,
    );
  // No F=: without an answer mail passes unfiltered.
  const lines = ['O InputMailFilters=postern', `Xpostern, ${socket}, T=C:2s;S:2s;R:5s;E:30s`];
  return { kind: 'changed', text: withSection(cf, lines, false), lines };
};

/** @param nonce a secret of this installation: Dovecot refuses to start without one */
export const setUpDovecot = (conf: string, { authPolicy }: Endpoints, version: string, nonce: string): Change => {
  if (/^\s*auth_policy_server_url\s*=\s*\S/m.test(conf))
    return conf.includes(`http://${authPolicy}/`)
      ? nothing
      : byHand('dovecot.conf asks another policy server already (auth_policy_server_url): Dovecot has one only');
  const patience = /^2\.[0-3]\./.test(version)
    ? ['auth_policy_server_timeout_msecs = 2000']
    : ['auth_policy {', '  http_client_request_absolute_timeout = 2s', '}'];
  const lines = [
    `auth_policy_server_url = http://${authPolicy}/`,
    `auth_policy_hash_nonce = ${nonce}`,
    ...patience,
    'auth_policy_reject_on_fail = no',
  ];
  return { kind: 'changed', text: withSection(conf, lines, false), lines };
};

const aclSetting = /^acl_smtp_(\w+)[ \t]*=[ \t]*(.*)$/gm;
const aclLabel = /^(\w+):[ \t]*$/gm;
const stages = ['connect', 'helo', 'auth', 'mail', 'rcpt', 'data', 'quit', 'notquit'];

/** Exim's ACL of each stage begins with ours; a stage without one gets ours. @param include where the ACLs will stand */
export const setUpExim = (conf: string, include: string): Change => {
  if (conf.includes(include)) return nothing;
  const begin = /^begin[ \t]+acl[ \t]*$/m.exec(conf);
  if (begin === null)
    return byHand('this configuration has no line "begin acl": name the file that has it (--config FILE)');
  const lines: string[] = [];
  let settings = '';
  let acls = conf.slice(begin.index + begin[0].length);
  const main = conf.slice(0, begin.index);
  const settingOf = new Map([...main.matchAll(aclSetting)].map((match) => [match[1], match[2]?.trim() ?? '']));
  for (const stage of stages) {
    const setting = settingOf.get(stage);
    if (setting === undefined) {
      settings += `acl_smtp_${stage} = postern_${stage}\n`;
      lines.push(`acl_smtp_${stage} = postern_${stage}`);
      continue;
    }
    const label = [...acls.matchAll(aclLabel)].find((match) => match[1] === setting);
    if (label === undefined)
      return byHand(
        `acl_smtp_${stage} = ${setting} is no ACL of this file: begin it with "require acl = postern_${stage}"`,
      );
    const at = label.index + label[0].length;
    acls = `${acls.slice(0, at)}\n  require acl = postern_${stage}${acls.slice(at)}`;
    lines.push(`${setting}: require acl = postern_${stage}`);
  }
  lines.push(`.include ${include}`);
  return { kind: 'changed', text: `${main}${settings}${begin[0]}\n\n.include ${include}\n${acls}`, lines };
};

export const eximInclude = ({ readsocket }: Endpoints): string =>
  eximAcls({ socket: `inet:${readsocket}`, timeoutSeconds: 3 });
