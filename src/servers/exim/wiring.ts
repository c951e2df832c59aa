/** Exim: what its configuration says of our ACLs (spec.txt, "Access control lists"); the text is `exim -bP config`. */
import { settingOf, unset } from '../wiring.ts';
import type { Endpoints, HookKind, Service, Wired, WiredStage, Wiring } from '../wiring.ts';

const aclOf = new Map<string, WiredStage>([
  ['connect', 'connect'],
  ['helo', 'helo'],
  ['auth', 'auth'],
  ['mail', 'sender'],
  ['rcpt', 'recipient'],
  ['predata', 'data'],
  ['data', 'message'],
  ['quit', 'quit'],
]);

const limits = ['smtp_accept_max_per_host', 'recipients_max'];

const portOf = new Map([
  ['smtp', 25],
  ['submission', 587],
  ['smtps', 465],
  ['submissions', 465],
]);

/** True when that stage's ACL is ours, or a statement of it, from its label to the next one, asks ours. */
const calls = (text: string, acl: string, ours: string): boolean => {
  if (acl === ours) return true;
  let isInside = false;
  for (const line of text.split('\n')) {
    const statement = line.trim();
    if (statement.endsWith(':') && /^\w+ *:$/.test(statement)) isInside = statement.slice(0, -1).trim() === acl;
    else if (line.startsWith('begin ')) isInside = false;
    else if (isInside && /^(?:require )?acl = (\w+)$/.exec(statement)?.[1] === ours) return true;
  }
  return false;
};

/** `<; 192.0.2.26 ; 2001:db8::1`, the separator first; IPv4 alone is dialled. */
const interfaceOf = (value: string | undefined): string | undefined =>
  value?.split(/[\s;:<]+/).find((word) => /^\d+\.\d+\.\d+\.\d+$/.test(word) && word !== '0.0.0.0');

export const eximWiring = (text: string, version: string, { readsocket }: Endpoints): Wiring => {
  const isOurs = text.includes(`{inet:${readsocket}}`);
  const stages = new Map<WiredStage, Wired>();
  for (const [name, stage] of aclOf) {
    const acl = settingOf(text, `acl_smtp_${name}`);
    if (isOurs && acl !== undefined && calls(text, acl, `postern_${name}`)) stages.set(stage, 'configured');
  }
  const hooks = new Map<HookKind, ReadonlyMap<WiredStage, Wired>>(stages.size > 0 ? [['readsocket', stages]] : []);
  const host = interfaceOf(settingOf(text, 'local_interfaces'));
  const ports = (settingOf(text, 'daemon_smtp_ports') ?? 'smtp').split(/[\s:;,<]+/).filter((word) => word !== '');
  return {
    server: 'exim',
    version,
    postmaster: 'postmaster',
    services: ports.map((name): Service => ({ name, host, port: portOf.get(name) ?? Number(name), hooks })),
    exempt: [],
    lacks: unset(
      'limits',
      limits.filter((name) => (settingOf(text, name) ?? '0') === '0'),
    ),
  };
};
