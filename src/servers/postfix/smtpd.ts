/** Lines of smtpd(8), under whatever service name it runs. */
import type { EventKind, Reason } from '../../model/event.ts';
import { keep } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { draft, peerAt, peerEnd, sessionOf, tellPeer } from './line.ts';
import type { DaemonReader, Line } from './line.ts';
import { newMessage } from './memory.ts';
import type { PostfixMemory } from './memory.ts';
import { readVerdict } from './verdict.ts';
import { readWarning } from './warning.ts';

/** `QUEUEID: client=NAME[ADDR], sasl_method=…, sasl_username=…, orig_client=NAME[ADDR]` */
const readClient = (line: Line, memory: PostfixMemory, tell: Tell): Understood => {
  const { text } = line;
  const message = newMessage();
  message.client = peerAt(text, 7);
  message.protocol = line.program.protocol;
  const peerEndsAt = peerEnd.at;
  // Behind a content filter the client of the first pass is told by XFORWARD; only the filter can say so. But what MAIL
  // gave as AUTH= stands before it as it came, so behind a login it is nobody's word.
  const isLogin = text.startsWith(', sasl_', peerEndsAt);
  const forwarded = isLogin ? -1 : text.indexOf(', orig_client=', peerEndsAt);
  if (forwarded >= 0) message.client = peerAt(text, forwarded + 14);
  const account = text.indexOf(', sasl_username=', peerEndsAt);
  if (account >= 0) {
    const end = text.indexOf(', sasl_sender=', account);
    message.account = keep(end < 0 ? text.slice(account + 16) : text.slice(account + 16, end));
  }
  // Before a proxy filter a message has no queue id yet.
  if (line.queueId !== '') memory.messages.set(line.queueId, message);
  else memory.proxied.set(keep(sessionOf(line)), message);
  if (message.account === undefined) return 'known';
  const event = draft(line, 'auth');
  event.outcome = 'success';
  event.client = message.client;
  event.account = message.account;
  event.session = sessionOf(line);
  tell(event);
  return 'event';
};

/** `VERB after STAGE from NAME[ADDR]: …`, where the stage is smtpd's own word. */
const afterStage: readonly (readonly [string, EventKind | undefined, Reason | undefined])[] = [
  ['lost connection after ', undefined, undefined],
  ['timeout after ', undefined, undefined],
  ['too many errors after ', 'command-error', 'too-many-errors'],
  ['improper command pipelining after ', 'command-error', 'pipelining'],
];

const readAfterStage = (line: Line, tell: Tell): Understood | undefined => {
  const { text } = line;
  const rule = afterStage.find(([start]) => text.startsWith(start));
  if (rule === undefined) return undefined;
  const [start, kind, reason] = rule;
  if (kind === undefined) return 'known';
  const from = text.indexOf(' from ', start.length);
  if (from < 0) return 'unmatched';
  const early = reason === 'pipelining' && text.startsWith('CONNECT', start.length);
  return tellPeer(line, tell, early ? 'early-talk' : kind, from + 6, (event) => {
    event.reason = early ? undefined : reason;
    event.text = text.slice(peerEnd.at + 2);
  });
};

type Start = {
  readonly start: string;
  readonly kind?: EventKind;
  readonly reason?: Reason;
  readonly outcome?: 'failure';
};
/** Other lines by their first words; with a kind, the peer stands right behind them. */
const starts: readonly Start[] = [
  { start: 'SSL_accept error from ', kind: 'tls', outcome: 'failure' },
  { start: 'abort: TLS from ', kind: 'tls', outcome: 'failure' },
  { start: 'setting up TLS' },
  { start: 'sender non-' },
  { start: 'Host offered' },
  { start: 'Relaying allowed for ' },
  { start: 'replacing command' },
];

const readStart = (line: Line, tell: Tell): Understood => {
  const { text } = line;
  const rule = starts.find(({ start }) => text.startsWith(start));
  if (rule === undefined) return 'unmatched';
  if (rule.kind === undefined) return 'known';
  return tellPeer(line, tell, rule.kind, rule.start.length, (event) => {
    event.reason = rule.reason;
    event.outcome = rule.outcome;
    event.text = text.slice(peerEnd.at + 2);
  });
};

const noteFailedLogin = (line: Line, { failedLogins }: PostfixMemory): void => {
  const session = sessionOf(line);
  failedLogins.set(session, (failedLogins.get(session) ?? 0) + 1);
};

/**
 * `disconnect from NAME[ADDR] ehlo=1 auth=0/3 … commands=1/4`: granted and tried. An AUTH that was refused before any password
 * was looked at (not offered, not under TLS) has no other line.
 */
const readDisconnect = (line: Line, { failedLogins }: PostfixMemory, tell: Tell): Understood => {
  const { text } = line;
  const client = peerAt(text, 16);
  const session = sessionOf(line);
  const known = failedLogins.get(session) ?? 0;
  if (known > 0) failedLogins.delete(session);
  const at = text.indexOf(' auth=', peerEnd.at);
  const counts = at < 0 ? null : /^auth=(\d{1,6})\/(\d{1,6})(?= |$)/.exec(text.slice(at + 1));
  const others = counts === null ? 0 : Number(counts[2]) - Number(counts[1]) - known;
  if (others > 0) {
    const event = draft(line, 'auth');
    event.outcome = 'failure';
    event.reason = 'aborted';
    event.client = client;
    event.session = session;
    event.count = others;
    event.text = counts?.[0];
    tell(event);
  }
  return tellPeer(line, tell, 'disconnect', 16);
};

export const readSmtpd: DaemonReader = (line, memory, tell) => {
  const { text } = line;
  if (text.startsWith('client=')) return readClient(line, memory, tell);
  if (text.startsWith('connect from ')) return tellPeer(line, tell, 'connect', 13);
  if (text.startsWith('disconnect from ')) return readDisconnect(line, memory, tell);
  if (text.startsWith('warning: '))
    return readWarning(line, (event) => {
      if (event.kind === 'auth') noteFailedLogin(line, memory);
      tell(event);
    });
  const verdict = readVerdict(line, memory, tell);
  if (verdict !== undefined) return verdict;
  const after = readAfterStage(line, tell);
  if (after !== undefined) return after;
  const tls = text.indexOf('TLS connection established from ');
  if (tls >= 0 && tls < 12) return tellPeer(line, tell, 'tls', tls + 32);
  return readStart(line, tell);
};
