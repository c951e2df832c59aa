/**
 * Sendmail is told to ask the milter ("Sendmail Installation and Operation Guide", "X -- Mail Filter Definitions"), and to
 * keep the same limits as Postern (cf/README: ratecontrol, conncontrol, greet_pause, delay_checks; op.me, BadRcptThrottle).
 */
import type { Change } from '../change.ts';
import { sectionLines, withSection } from '../edits/marked-section.ts';
import type { ConnectionLimits, Endpoints } from '../wiring.ts';
import { asksMilter, inetSocket } from './wiring.ts';

/**
 * A unix socket where there is one: over TCP, Sendmail sends a command's macros and the command as two segments, and the
 * second waits 40 ms for the first one's acknowledgement.
 */
const socketOf = ({ milter, milterSocket }: Endpoints): string =>
  milterSocket === undefined ? inetSocket(milter) : `S=local:${milterSocket}`;
// No F=: without an answer mail passes unfiltered.
const equatesOf = (endpoints: Endpoints): string => `${socketOf(endpoints)}, T=C:2s;S:2s;R:5s;E:30s`;

const filterLine = (endpoints: Endpoints): string => `INPUT_MAIL_FILTER(\`postern', \`${equatesOf(endpoints)}')dnl`;

export type SendmailLimits = ConnectionLimits & {
  readonly recipientsPerMessage: number;
  readonly unknownBeforeDelay: number;
  readonly greetPauseMs: number;
};

/** For sendmail.mc, before its MAILER lines, and for the access map. A limit of 0 is none. */
export const sendmailMc = (
  endpoints: Endpoints,
  limits: SendmailLimits,
): { readonly mc: readonly string[]; readonly access: readonly string[] } => ({
  mc: [
    "FEATURE(`access_db')dnl",
    "FEATURE(`delay_checks')dnl",
    ...(limits.greetPauseMs > 0 ? [`FEATURE(\`greet_pause', \`${limits.greetPauseMs}')dnl`] : []),
    "FEATURE(`ratecontrol', `nodelay', `terminate')dnl",
    "FEATURE(`conncontrol', `nodelay', `terminate')dnl",
    "define(`confCONNECTION_RATE_WINDOW_SIZE', `60s')dnl",
    ...(limits.recipientsPerMessage > 0
      ? [`define(\`confMAX_RCPTS_PER_MESSAGE', \`${limits.recipientsPerMessage}')dnl`]
      : []),
    ...(limits.unknownBeforeDelay > 0 ? [`define(\`confBAD_RCPT_THROTTLE', \`${limits.unknownBeforeDelay}')dnl`] : []),
    filterLine(endpoints),
  ],
  access: [
    'GreetPause:127.0.0.1\t0',
    'ClientRate:127.0.0.1\t0',
    `ClientRate:\t${limits.connectionsPerMinute}`,
    'ClientConn:127.0.0.1\t0',
    `ClientConn:\t${limits.connectionsAtOnce}`,
  ],
});

/** Options may stand anywhere in sendmail.cf. Filters that are there already are asked behind ours. */
export const setUpSendmail = (cf: string, endpoints: Endpoints): Change => {
  if (asksMilter(cf, endpoints)) return { kind: 'nothing' };
  if (/^Xpostern,/m.test(cf))
    return { kind: 'by-hand', why: 'sendmail.cf has a filter "postern" that asks elsewhere: take that line out first' };
  const listed = /^O InputMailFilters=(.*)$/m.exec(cf);
  const filter = `Xpostern, ${equatesOf(endpoints)}`;
  if (listed === null) {
    const lines = ['O InputMailFilters=postern', filter];
    return { kind: 'changed', text: withSection(cf, lines, false), lines };
  }
  const others = (listed[1] ?? '').trim();
  const line = `O InputMailFilters=postern${others === '' ? '' : `,${others}`}`;
  const text = `${cf.slice(0, listed.index)}${line}${cf.slice(listed.index + listed[0].length)}`;
  return { kind: 'changed', text: withSection(text, [...sectionLines(text), filter], false), lines: [line, filter] };
};

/** The same in the source that sendmail.cf is built from; it may stand at its end. */
export const setUpSendmailMc = (mc: string, endpoints: Endpoints): Change => {
  const isThere = mc
    .split('\n')
    .some((line) => line.startsWith('INPUT_MAIL_FILTER(') && line.includes(socketOf(endpoints)));
  if (isThere) return { kind: 'nothing' };
  const lines = [filterLine(endpoints)];
  return { kind: 'changed', text: withSection(mc, lines, false), lines };
};
