/** Warnings of smtpd(8) that are facts about a client: failed logins, limits, commands that are none. */
import type { Reason } from '../../model/event.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { saslReason } from '../sasl.ts';
import { draft, peerAt, peerEnd, sessionOf, tellPeer } from './line.ts';
import type { Line } from './line.ts';

/** `warning: NAME[ADDR]: SASL PLAIN authentication failed: WHY, sasl_username=USER` */
const readSasl = (line: Line, tell: Tell, behindPeer: number, client: string | undefined): Understood => {
  const { text } = line;
  const event = draft(line, 'auth');
  event.outcome = 'failure';
  event.client = client;
  event.session = sessionOf(line);
  const failed = text.indexOf(' authentication failed', behindPeer);
  const account = text.indexOf(', sasl_username=', behindPeer);
  // Without the account: its name is the client's own text.
  event.reason = saslReason(text.slice(failed < 0 ? behindPeer : failed, account < 0 ? undefined : account));
  if (account >= 0) {
    const name = text.slice(account + 16);
    if (name !== '(unavailable)' && name !== '') event.account = name;
  }
  event.text = text.slice(behindPeer);
  tell(event);
  return 'event';
};

const limits: readonly (readonly [string, Reason])[] = [
  ['Connection rate limit exceeded', 'connection-rate'],
  ['Connection concurrency limit exceeded', 'concurrency'],
  ['AUTH command rate limit exceeded', 'auth-rate'],
  ['Message delivery request rate limit exceeded', 'message-rate'],
  ['Recipient address rate limit exceeded', 'recipient-rate'],
  ['New TLS session rate limit exceeded', 'connection-rate'],
];

/** What stands behind the peer of a warning. */
const misspoken: readonly (readonly [string, Reason])[] = [
  [' sent message header instead of SMTP command: ', 'non-smtp'],
  [' sent message content instead of SMTP command: ', 'non-smtp'],
  [': request longer than ', 'syntax'],
];

/** `warning: …`: the few that are facts about a client; the rest is Postfix's own business. */
export const readWarning = (line: Line, tell: Tell): Understood => {
  const { text } = line;
  const limit = limits.find(([phrase]) => text.startsWith(phrase, 9));
  if (limit !== undefined) {
    const from = text.indexOf(' from ', 9 + limit[0].length);
    return tellPeer(line, tell, 'limit', from + 6, (event) => {
      event.reason = limit[1];
    });
  }
  if (text.startsWith('non-SMTP command from ', 9)) {
    return tellPeer(line, tell, 'command-error', 31, (event) => {
      event.reason = 'non-smtp';
      event.text = text.slice(peerEnd.at + 2);
    });
  }
  if (text.startsWith('Illegal address syntax from ', 9)) {
    return tellPeer(line, tell, 'command-error', 37, (event) => {
      event.reason = 'syntax';
    });
  }
  const bdat = /^[0-9A-Za-z]{5,20}: (?:malformed BDAT command syntax|null BDAT request) from /.exec(
    text.slice(9, 80),
  )?.[0];
  if (bdat !== undefined) {
    return tellPeer(line, tell, 'command-error', 9 + bdat.length, (event) => {
      event.reason = 'syntax';
    });
  }
  const client = peerAt(text, 9);
  if (client === undefined) return 'known';
  if (text.startsWith(': SASL ', peerEnd.at)) return readSasl(line, tell, peerEnd.at + 2, client);
  const spoken = misspoken.find(([words]) => text.startsWith(words, peerEnd.at));
  if (spoken === undefined) return 'known';
  return tellPeer(line, tell, 'command-error', 9, (event) => {
    event.reason = spoken[1];
    event.text = text.slice(peerEnd.at + 2);
  });
};
