/** Exim is told to ask through readsocket, by ACLs of ours (acl.ts) in front of its own. */
import type { Change } from '../change.ts';
import type { Endpoints } from '../wiring.ts';
import { eximAcls } from './acl.ts';

const byHand = (why: string): Change => ({ kind: 'by-hand', why });

const aclSetting = /^acl_smtp_(\w+)[ \t]*=[ \t]*(.*)$/gm;
const aclLabel = /^(\w+):[ \t]*$/gm;
const stages = ['connect', 'helo', 'auth', 'mail', 'rcpt', 'data', 'quit', 'notquit'];

/** Exim's ACL of each stage begins with ours; a stage without one gets ours. @param include where the ACLs will stand */
export const setUpExim = (conf: string, include: string): Change => {
  if (conf.includes(include)) return { kind: 'nothing' };
  const begin = /^begin[ \t]+acl[ \t]*$/m.exec(conf);
  if (begin === null)
    return byHand('this configuration has no line "begin acl": name the file that has it (--config FILE)');
  const lines: string[] = [];
  let settings = '';
  let acls = conf.slice(begin.index + begin[0].length);
  const main = conf.slice(0, begin.index);
  const settingOf = new Map([...main.matchAll(aclSetting)].map((match) => [match[1], match[2]?.trim() ?? '']));
  for (const stage of stages) {
    const setting = settingOf.get(stage);
    if (setting === undefined) {
      settings += `acl_smtp_${stage} = postern_${stage}\n`;
      lines.push(`acl_smtp_${stage} = postern_${stage}`);
      continue;
    }
    const label = [...acls.matchAll(aclLabel)].find((match) => match[1] === setting);
    if (label === undefined)
      return byHand(
        `acl_smtp_${stage} = ${setting} is no ACL of this file: begin it with "require acl = postern_${stage}"`,
      );
    const at = label.index + label[0].length;
    acls = `${acls.slice(0, at)}\n  require acl = postern_${stage}${acls.slice(at)}`;
    lines.push(`${setting}: require acl = postern_${stage}`);
  }
  lines.push(`.include ${include}`);
  return { kind: 'changed', text: `${main}${settings}${begin[0]}\n\n.include ${include}\n${acls}`, lines };
};

export const eximInclude = ({ readsocket }: Endpoints): string =>
  eximAcls({ socket: `inet:${readsocket}`, timeoutSeconds: 3 });
