/** What every mail server needs around it: names (DNS), a way out (the sink), a log (syslog), mailboxes and passwords. */
import { startDns } from './dns.ts';
import { labDir } from './door.ts';
import { startDovecot } from './dovecot.ts';
import type { Dovecot } from './dovecot.ts';
import { startSink } from './sink.ts';
import type { Sink } from './sink.ts';
import { startSyslog } from './syslog.ts';
import type { Syslog } from './syslog.ts';

export type World = { readonly sink: Sink; readonly log: Syslog; readonly dovecot: Dovecot } & AsyncDisposable;

/** @param dovecotSettings appended to Dovecot's configuration */
export const startWorld = async (dovecotSettings = ''): Promise<World> => {
  labDir(); // fails outside the lab, before anything is touched
  await using stack = new AsyncDisposableStack();
  stack.use(await startDns());
  const sink = stack.use(await startSink());
  const log = stack.use(await startSyslog());
  const dovecot = stack.use(await startDovecot(dovecotSettings));
  const whole = stack.move();
  return { sink, log, dovecot, [Symbol.asyncDispose]: () => whole.disposeAsync() };
};
