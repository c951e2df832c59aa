/** Dovecot: what `doveconf -n` says of the authentication policy server and of the ports (doc.dovecot.org, settings). */
import { names, settingOf } from '../wiring.ts';
import type { Endpoints, HookKind, Lack, Service, Wired, WiredStage, Wiring } from '../wiring.ts';

const usualPorts = [
  ['imap', 143],
  ['pop3', 110],
] as const;

/** The port of a listener: `inet_listener imap { … port = 143 … }`; 0 switches it off. */
const listenerPort = (text: string, name: string): number | undefined => {
  const at = text.indexOf(`inet_listener ${name} {`);
  if (at < 0) return undefined;
  const port = settingOf(text.slice(at, text.indexOf('}', at)), 'port');
  return port === undefined ? undefined : Number(port);
};

const lacksOf = (text: string): readonly Lack[] => [
  ...(settingOf(text, 'disable_plaintext_auth') === 'no' || settingOf(text, 'auth_allow_cleartext') === 'yes'
    ? [{ id: 'login-without-tls', words: 'passwords are taken without TLS' }]
    : []),
  ...(settingOf(text, 'auth_failure_delay') === '0'
    ? [{ id: 'limits', words: 'unset: auth_failure_delay (0: a wrong password is answered at once)' }]
    : []),
  ...(settingOf(text, 'auth_policy_reject_on_fail') === 'yes'
    ? [{ id: 'fails-closed', words: 'auth_policy_reject_on_fail = yes: nobody logs in while the guard is down' }]
    : []),
];

/** @param text what `doveconf -n` prints */
export const dovecotWiring = (text: string, { authPolicy }: Endpoints): Wiring => {
  const isAsking = names(settingOf(text, 'auth_policy_server_url') ?? '', `http://${authPolicy}`);
  const stages: ReadonlyMap<WiredStage, Wired> = new Map([['auth', 'configured']]);
  const hooks = new Map<HookKind, ReadonlyMap<WiredStage, Wired>>(isAsking ? [['authPolicy', stages]] : []);
  const protocols = settingOf(text, 'protocols')?.split(/\s+/) ?? ['imap', 'pop3'];
  const listen = settingOf(text, 'listen')?.split(/[\s,]+/)[0];
  const host = listen === undefined || listen === '*' || listen === '::' ? undefined : listen;
  const services = usualPorts
    .filter(([name]) => protocols.includes(name))
    .map(([name, port]): Service => ({ name, host, port: listenerPort(text, name) ?? port, hooks }));
  return {
    server: 'dovecot',
    postmaster: 'postmaster',
    version: /^# ([\d.]+)/.exec(text)?.[1] ?? '',
    services: services.filter(({ port }) => port > 0),
    exempt: [],
    lacks: lacksOf(text),
  };
};
