/** What happens to unknown names at every domain of the mail servers here, and which setting decides it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault } from '../../model/fault.ts';
import type { CarryOut } from '../../model/verb.ts';
import { catchAllFormat } from '../../servers/catch-all.ts';
import { eximMaps } from './exim-maps.ts';
import type { Audited, MapFile, MapPlaces } from './places.ts';
import { postfixMaps } from './postfix-maps.ts';

const textOf = async (path: string, carryOut: CarryOut): Promise<string> => {
  const seen = await carryOut({ verb: 'read-file', path });
  return Buffer.from(seen?.bytes ?? []).toString('latin1');
};

/** Sendmail's LUSER_RELAY, built into sendmail.cf as the class L of one (cf/README). */
const luserRelay = ({ virtusertable }: MapPlaces): readonly Audited[] => {
  const cf = join(dirname(virtusertable), 'sendmail.cf');
  if (!existsSync(cf)) return [];
  const lines = readFileSync(cf, 'latin1').split('\n');
  const at = lines.findIndex((line) => /^DL\S/.test(line));
  if (at < 0) return [];
  return [
    {
      server: 'sendmail',
      domain: '',
      fate: 'forwarded',
      target: lines[at]?.slice(2).trim() ?? '',
      decidedBy: `${cf}:${at + 1}`,
      advice:
        'take LUSER_RELAY out of sendmail.mc and build sendmail.cf again (make -C /etc/mail); Postern does not write it',
      file: undefined,
    },
  ];
};

/** @throws Fault INPUT_UNREADABLE when no server's maps are here */
export const auditCatchAlls = async (places: MapPlaces, carryOut: CarryOut): Promise<readonly Audited[]> => {
  const postfix = await postfixMaps(places, carryOut);
  const exim = await eximMaps(places, carryOut);
  const sendmail: MapFile[] = existsSync(places.virtusertable)
    ? [
        {
          server: 'sendmail',
          path: places.virtusertable,
          format: 'sendmail-virtusertable',
          fileDomain: '',
          map: 'sendmail-hash',
        },
      ]
    : [];
  const files = [...exim.files, ...postfix.files, ...sendmail];
  if (files.length === 0)
    throw new Fault(
      'INPUT_UNREADABLE',
      'no maps of a mail server are here: name them (--valiases, --postfix, --virtusertable)',
    );
  const local = new Set([...files.map(({ fileDomain }) => fileDomain), ...postfix.domains]);
  const isLocal = (domain: string): boolean => local.has(domain);
  const audited: Audited[] = [...exim.others, ...postfix.others, ...luserRelay(places)];
  for (const file of files) {
    const found = catchAllFormat(file.format)?.find(await textOf(file.path, carryOut), file.fileDomain, isLocal) ?? [];
    for (const { domain, fate, target, line } of found)
      audited.push({
        server: file.server,
        domain,
        fate,
        target,
        decidedBy: `${file.path}:${line}`,
        advice: undefined,
        file,
      });
    if (found.length === 0 && file.format === 'exim-aliases')
      audited.push({
        server: file.server,
        domain: file.fileDomain,
        fate: 'rejected',
        target: '',
        decidedBy: `${file.path}: no entry for *`,
        advice: undefined,
        file,
      });
  }
  return audited;
};
