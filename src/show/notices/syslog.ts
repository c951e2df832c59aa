/** To the system's log by logger(1): Node cannot open its datagram socket. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Channel } from './notice.ts';

const execute = promisify(execFile);
const patienceMs = 5000;

export const syslogChannel: Channel = {
  name: 'syslog',
  send: async ({ title, incident }, given) => {
    const text = `${incident === undefined ? '' : `incident=${incident} `}${title}`;
    await execute('/usr/bin/logger', ['-t', 'postern', '-p', 'mail.warning', '--', text], {
      timeout: patienceMs,
      ...(given === undefined ? {} : { signal: given }),
    });
  },
};
