/** Finds the maps of the mail servers here that decide about unknown names, and what they say. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CatchAllWanted } from '../act/catchall-lock.ts';
import { Fault } from '../model/fault.ts';
import type { CarryOut } from '../model/verb.ts';
import { catchAllFormat } from '../servers/catch-all.ts';
import type { Fate } from '../servers/catch-all.ts';

export type MapPlaces = {
  /** Exim: one alias file a domain (cPanel: /etc/valiases). */
  readonly valiases: readonly string[];
  /** Exim: one file a domain whose mail goes to another domain. */
  readonly domainAliases: readonly string[];
  /** Postfix: its configuration folder. */
  readonly postfix: string;
  readonly virtusertable: string;
};

export const usualPlaces: MapPlaces = {
  valiases: ['/etc/valiases', '/etc/exim4/valiases'],
  domainAliases: ['/etc/vdomainaliases'],
  postfix: '/etc/postfix',
  virtusertable: '/etc/mail/virtusertable',
};

type MapFile = Omit<CatchAllWanted, 'domains'> & { readonly server: string };

export type Audited = {
  readonly server: string;
  /** '' : every local domain. */
  readonly domain: string;
  readonly fate: Fate | 'unknown';
  readonly target: string;
  /** `file:line`, or the setting. */
  readonly decidedBy: string;
  /** What a person can do where Postern cannot. */
  readonly advice: string | undefined;
  readonly file: MapFile | undefined;
};

export const accepts = ({ fate }: Audited): boolean => fate !== 'rejected' && fate !== 'deferred' && fate !== 'unknown';

const domainName = /^[a-z0-9](?:[a-z0-9._-]{0,250}[a-z0-9])?$/i;

const filesIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => domainName.test(name) && !name.endsWith('.db'))
        .toSorted()
    : [];

const eximFiles = ({ valiases, domainAliases }: MapPlaces): MapFile[] => [
  ...valiases.flatMap((folder) =>
    filesIn(folder).map((name) => ({
      server: 'exim',
      path: join(folder, name),
      format: 'exim-aliases',
      fileDomain: name.toLowerCase(),
      map: undefined,
    })),
  ),
  ...domainAliases.flatMap((folder) =>
    filesIn(folder).map((name) => ({
      server: 'exim',
      path: join(folder, name),
      format: 'exim-domain-alias',
      fileDomain: name.toLowerCase(),
      map: undefined,
    })),
  ),
];

const indexed = new Set(['hash', 'btree', 'lmdb', 'cdb', 'texthash']);
const mapLists = ['virtual_alias_maps', 'virtual_mailbox_maps'] as const;

type PostfixMaps = { readonly files: MapFile[]; readonly others: Audited[]; readonly domains: string[] };

const readParameter = async (places: MapPlaces, name: string, carryOut: CarryOut): Promise<string> => {
  const own = places.postfix === usualPlaces.postfix ? [] : ['-c', places.postfix];
  const { status, stdout } = await carryOut({ verb: 'run', program: 'postconf', args: [...own, '-hx', name] });
  return status === 0 ? stdout.trim() : '';
};

/** Maps that Postern reads and does not write: the statement to run is told. */
const otherMap = (token: string, parameter: string): Audited => ({
  server: 'postfix',
  domain: '',
  fate: 'unknown',
  target: token,
  decidedBy: parameter,
  advice: `ask it for a domain: postmap -q @DOMAIN ${token}; where it answers, take that row out or let it answer nothing`,
  file: undefined,
});

const postfixMaps = async (places: MapPlaces, carryOut: CarryOut): Promise<PostfixMaps> => {
  const main = join(places.postfix, 'main.cf');
  if (!existsSync(main)) return { files: [], others: [], domains: [] };
  const files: MapFile[] = [
    { server: 'postfix', path: main, format: 'postfix-main', fileDomain: '', map: 'postfix-texthash' },
  ];
  const others: Audited[] = [];
  for (const parameter of mapLists) {
    const value = await readParameter(places, parameter, carryOut);
    for (const token of value.split(/[,\s]+/)) {
      const colon = token.indexOf(':');
      const [type, path] = [token.slice(0, Math.max(0, colon)), token.slice(colon + 1)];
      if (token === '') continue;
      if (!indexed.has(type) || !path.startsWith('/')) others.push(otherMap(token, parameter));
      else if (existsSync(path))
        files.push({
          server: 'postfix',
          path,
          format: parameter === 'virtual_alias_maps' ? 'postfix-map' : 'postfix-mailboxes',
          fileDomain: '',
          map: `postfix-${type}`,
        });
    }
  }
  const relayDomains = await readParameter(places, 'relay_domains', carryOut);
  const relayMaps = await readParameter(places, 'relay_recipient_maps', carryOut);
  if (relayDomains !== '' && relayMaps === '')
    others.push({
      server: 'postfix',
      domain: '',
      fate: 'forwarded',
      target: relayDomains,
      decidedBy: `${main}: relay_recipient_maps is empty`,
      advice:
        'list the recipients of the relayed domains in relay_recipient_maps, or verify them: reject_unverified_recipient',
      file: undefined,
    });
  const local = await Promise.all(
    ['mydestination', 'virtual_mailbox_domains', 'virtual_alias_domains'].map((name) =>
      readParameter(places, name, carryOut),
    ),
  );
  return {
    files,
    others,
    domains: local.flatMap((value) => value.split(/[,\s]+/)).filter((word) => domainName.test(word)),
  };
};

const textOf = async (path: string, carryOut: CarryOut): Promise<string> => {
  const seen = await carryOut({ verb: 'read-file', path });
  return Buffer.from(seen?.bytes ?? []).toString('latin1');
};

/** @throws Fault INPUT_UNREADABLE when no server's maps are here */
export const auditCatchAlls = async (places: MapPlaces, carryOut: CarryOut): Promise<readonly Audited[]> => {
  const postfix = await postfixMaps(places, carryOut);
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
  const files = [...eximFiles(places), ...postfix.files, ...sendmail];
  if (files.length === 0)
    throw new Fault(
      'INPUT_UNREADABLE',
      'no maps of a mail server are here: name them (--valiases, --postfix, --virtusertable)',
    );
  const local = new Set([...files.map(({ fileDomain }) => fileDomain), ...postfix.domains]);
  const isLocal = (domain: string): boolean => local.has(domain);
  const audited: Audited[] = [...postfix.others];
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
