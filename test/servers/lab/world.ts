/** What every mail server needs around it: names (DNS), a way out (the sink), a log (syslog), mailboxes and passwords. */
import { rmSync } from 'node:fs';
import { startDns } from './dns.ts';
import { labDir } from './door.ts';
import { startDovecot } from './dovecot.ts';
import type { Dovecot } from './dovecot.ts';
import { startSink } from './sink.ts';
import type { Sink } from './sink.ts';
import { startSyslog } from './syslog.ts';
import type { Syslog } from './syslog.ts';

export type World = { readonly sink: Sink; readonly log: Syslog; readonly dovecot: Dovecot } & AsyncDisposable;

const configurations = ['/etc/postfix/main.cf', '/etc/exim4', '/etc/mail/sendmail.cf'];

/** @param dovecotSettings appended to Dovecot's configuration */
export const startWorld = async (dovecotSettings = ''): Promise<World> => {
  labDir(); // fails outside the lab, before anything is touched
  // A server of an earlier test has gone, and so has what made a guard expect it.
  for (const path of configurations) rmSync(path, { recursive: true, force: true });
  await using stack = new AsyncDisposableStack();
  stack.use(await startDns());
  const sink = stack.use(await startSink());
  const log = stack.use(await startSyslog());
  const dovecot = stack.use(await startDovecot(dovecotSettings));
  const whole = stack.move();
  return { sink, log, dovecot, [Symbol.asyncDispose]: () => whole.disposeAsync() };
};
