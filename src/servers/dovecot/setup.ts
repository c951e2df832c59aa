/** Dovecot is told to ask the authentication policy server (doc.dovecot.org, "Authentication policy support"). */
import type { Change } from '../change.ts';
import { withSection } from '../marked-section.ts';
import type { Endpoints } from '../wiring.ts';

const byHand = (why: string): Change => ({ kind: 'by-hand', why });

/** @param nonce a secret of this installation: Dovecot refuses to start without one */
export const setUpDovecot = (conf: string, { authPolicy }: Endpoints, version: string, nonce: string): Change => {
  if (/^\s*auth_policy_server_url\s*=\s*\S/m.test(conf))
    return conf.includes(`http://${authPolicy}/`)
      ? { kind: 'nothing' }
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
