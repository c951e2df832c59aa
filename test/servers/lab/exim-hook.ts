/** The lab's Exim with Postern's ACLs in front of its own, as `postern setup exim` would have them. */
import { writeFileSync } from 'node:fs';
import { eximAcls } from '../../../src/servers/exim/acl.ts';

const include = '/etc/exim4/postern.acl';
const own = new Map([
  ['connect', 'acl_connect'],
  ['rcpt', 'acl_rcpt'],
]);
const stages = ['connect', 'helo', 'auth', 'mail', 'rcpt', 'predata', 'data', 'quit', 'notquit'];

/** @param socket where the guard listens for readsocket, as `host:port` */
export const attachExim =
  (socket: string) =>
  (config: string): string => {
    writeFileSync(include, eximAcls({ socket: `inet:${socket}`, timeoutSeconds: 60 }));
    let text = config.replace('\nbegin acl\n', `\nbegin acl\n\n.include ${include}\n`);
    for (const stage of stages) {
      const acl = own.get(stage);
      if (acl === undefined)
        text = text.replace('\nacl_smtp_rcpt', `\nacl_smtp_${stage} = postern_${stage}\nacl_smtp_rcpt`);
      else text = text.replace(`\n${acl}:\n`, `\n${acl}:\n  require acl = postern_${stage}\n`);
    }
    return text;
  };
