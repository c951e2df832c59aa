/** Dovecot is told to ask the authentication policy server (doc.dovecot.org, "Authentication policy support"). */
import type { Change } from '../change.ts';
import { withSection } from '../edits/marked-section.ts';
import { names, settingOf } from '../wiring.ts';
import type { Endpoints } from '../wiring.ts';

const byHand = (why: string): Change => ({ kind: 'by-hand', why });

/** @param nonce a secret of this installation: Dovecot refuses to start without one */
export const setUpDovecot = (conf: string, { authPolicy }: Endpoints, version: string, nonce: string): Change => {
  const asked = settingOf(conf, 'auth_policy_server_url') ?? '';
  if (names(asked, `http://${authPolicy}`)) return { kind: 'nothing' };
  if (asked !== '')
    return byHand(`Dovecot asks another policy server already (auth_policy_server_url = ${asked}): it has one only`);
  const patience = /^2\.[0-3]\./.test(version)
    ? ['auth_policy_server_timeout_msecs = 2000']
    : ['auth_policy {', '  http_client_request_absolute_timeout = 2s', '}'];
  const lines = [
    `auth_policy_server_url = http://${authPolicy}/`,
    `auth_policy_hash_nonce = ${nonce}`,
    ...patience,
    'auth_policy_reject_on_fail = no',
  ];
  // Whoever reads the terminal need not know it.
  const told = lines.map((line) => (line.endsWith(nonce) ? 'auth_policy_hash_nonce = (a secret of its own)' : line));
  return { kind: 'changed', text: withSection(conf, lines, false), lines: told };
};
