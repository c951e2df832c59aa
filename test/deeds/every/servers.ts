/** The lab's servers without the limits of their own that a test's many connections would meet. */
import { chmodSync, existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { runCommand } from '../../servers/lab/daemon.ts';
import { labDir } from '../../servers/lab/door.ts';
import { startExim } from '../../servers/lab/exim.ts';
import { startPostfix } from '../../servers/lab/postfix.ts';
import { startSendmail } from '../../servers/lab/sendmail.ts';

export type Server = AsyncDisposable & { readonly address: string };

/** An old file of mode 640. */
export const writeByHand = (path: string, text: string): void => {
  writeFileSync(path, text, 'latin1');
  chmodSync(path, 0o640);
  utimesSync(path, 1_700_000_000.25, 1_700_000_000.5);
};

const noLimits = {
  smtpd_client_connection_rate_limit: '0',
  smtpd_client_message_rate_limit: '0',
  smtpd_client_recipient_rate_limit: '0',
};

export const startPatientPostfix = (mainCf: Readonly<Record<string, string>>): Promise<Server> =>
  startPostfix({ mainCf: { ...noLimits, ...mainCf } });

/** @param atConnect lines of the ACL at the connection */
export const startPatientExim = (atConnect = ''): Promise<Server> =>
  startExim({
    edit: (config) => config.replace(/acl_connect:\n[^]*?accept\n/, `acl_connect:\n${atConnect}  accept\n`),
  });

export const accessMap = '/etc/mail/access';
export const makemap = (): string => `${labDir()}/sendmail/usr/libexec/sendmail/makemap`;

export const startPatientSendmail = async (): Promise<Server> => {
  const sendmail = await startSendmail();
  const text = readFileSync(accessMap, 'latin1').replaceAll(/^(Client\w+:\t)\d+$/gm, '$10');
  writeByHand(accessMap, text);
  await runCommand(makemap(), ['hash', accessMap], text);
  return sendmail;
};

/** All of them end together, the last one first. */
export const together = (...parts: readonly AsyncDisposable[]): AsyncDisposable => {
  const stack = new AsyncDisposableStack();
  for (const part of parts) stack.use(part);
  return { [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

/** What was built of it is of another, earlier second each time: no deed has to wait for the next one. */
let agedTo = 1_600_000_000;
export const age = (path: string): void => {
  for (const ending of ['.db', '.lmdb', '.cdb'])
    if (existsSync(`${path}${ending}`)) utimesSync(`${path}${ending}`, ++agedTo, agedTo);
};
