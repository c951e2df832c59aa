/** The IMAP4 and POP3 protocol logs: a line per command, with the server's answer in the context column. */
import { draftEvent } from '../../model/event.ts';
import type { Protocol } from '../../model/event.ts';
import type { Tell } from '../../model/ports.ts';
import type { Understood } from '../grammar.ts';
import { endpointAddress } from './smtp.ts';

const logins = new Map<string, Protocol>([
  ['login', 'imap'],
  ['authenticate', 'imap'],
  ['pass', 'pop3'],
  ['auth', 'pop3'],
]);

const isFailure = (context: string): boolean =>
  /LogonFailed|LogonDenied/.test(context.slice(0, 1000)) ||
  /R="?(?:[^ ";]{0,40} )?(?:NO|-ERR|BAD)\b/.test(context.slice(0, 300));

/** @param fields dateTime, sessionId, seqNumber, sIp, cIp, user, duration, rqsize, rpsize, command, parameters, context, … */
export const readMailbox = (time: number, fields: readonly string[], tell: Tell): Understood => {
  const [, id = '', , , remote = '', user = '', , , , command = '', , context = ''] = fields;
  const protocol = logins.get(command.toLowerCase());
  if (protocol === undefined) return 'known';
  const event = draftEvent(time, 'exchange', 'auth');
  event.client = endpointAddress(remote);
  event.session = id;
  event.protocol = protocol;
  if (user !== '') event.account = user;
  event.outcome = isFailure(context) ? 'failure' : 'success';
  if (event.outcome === 'failure') event.reason = 'bad-password';
  event.text = context;
  tell(event);
  return 'event';
};
