/** The IMAP4 and POP3 protocol logs: a line per command, with the server's answer in the context column. */
import { draftEvent } from '../../model/event.ts';
import type { Protocol, Reason } from '../../model/event.ts';
import { keep } from '../../model/keep.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { recent } from '../recent.ts';
import type { Recent } from '../recent.ts';
import { endpointAddress } from './smtp.ts';

/** Names that the POP3 command USER gave, by session: PASS, which follows, holds none. */
export type MailboxMemory = Recent<string>;

const namesMax = 16_384;
export const newMailboxMemory = (): MailboxMemory => recent(namesMax);

const logins = new Map<string, Protocol>([
  ['login', 'imap'],
  ['authenticate', 'imap'],
  ['pass', 'pop3'],
  ['auth', 'pop3'],
]);

/** Why, where the context says it. */
const reasons: readonly (readonly [RegExp, Reason])[] = [
  [/UserDisabled|ProtocolDisabled|AccountDisabled|PasswordExpired/, 'disabled'],
  [/Throttl|Overbudget|ServerNotFound|ProxyFailed|Unavailable|Timeout/, 'aborted'],
];

const failurePattern = /R="{0,2}(?:[^ ";]{0,40} )?(?:NO|-ERR|BAD)\b/;
const successPattern = /R="{0,2}(?:[^ ";]{0,40} )?\+?OK\b/i;
const contextMax = 1000;

/** undefined: the login goes on in another line, or nobody says how it went. */
const outcomeOf = (context: string): 'success' | 'failure' | undefined => {
  if (/LogonFailed|LogonDenied|AuthFailed/.test(context) || failurePattern.test(context)) return 'failure';
  return successPattern.test(context) ? 'success' : undefined;
};

/** `anna *****`: IMAP's LOGIN names the account also where the user column is empty. */
const nameIn = (parameters: string): string | undefined => {
  const end = parameters.lastIndexOf(' ');
  return end > 0 && parameters.startsWith('*****', end + 1) ? parameters.slice(0, end).trim() : undefined;
};

/** @param fields dateTime, sessionId, seqNumber, sIp, cIp, user, duration, rqsize, rpsize, command, parameters, context, … */
export const readMailbox = (time: number, fields: readonly string[], memory: MailboxMemory, tell: Tell): Understood => {
  const [, id = '', , , remote = '', user = '', , , , command = '', parameters = '', whole = ''] = fields;
  const verb = command.toLowerCase();
  if (verb === 'user') memory.set(keep(id), keep(parameters.trim()));
  const protocol = logins.get(verb);
  const context = whole.slice(0, contextMax);
  const outcome = protocol === undefined ? undefined : outcomeOf(context);
  if (outcome === undefined) return 'known';
  const event = draftEvent(time, 'exchange', 'auth');
  event.client = endpointAddress(remote);
  event.session = id;
  event.protocol = protocol;
  event.account = [user, nameIn(parameters), memory.get(id)].find((name) => name !== undefined && name !== '');
  event.outcome = outcome;
  if (outcome === 'failure') event.reason = reasons.find(([pattern]) => pattern.test(context))?.[1] ?? 'bad-password';
  event.text = context;
  tell(event);
  return 'event';
};
