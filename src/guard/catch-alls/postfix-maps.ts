/** Postfix's maps: those that Postern can switch, and those that it only asks. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../model/fault.ts';
import type { CarryOut } from '../../model/verb.ts';
import { catchAllFormat } from '../../servers/catch-all.ts';
import { domainName, usualPlaces } from './places.ts';
import type { Audited, MapFile, MapPlaces } from './places.ts';

const indexed = new Set(['hash', 'btree', 'lmdb', 'cdb', 'texthash']);
const mapLists = ['virtual_alias_maps', 'virtual_mailbox_maps'] as const;

type PostfixMaps = { readonly files: MapFile[]; readonly others: Audited[]; readonly domains: string[] };

const readParameter = async (places: MapPlaces, name: string, carryOut: CarryOut): Promise<string> => {
  const own = places.postfix === usualPlaces.postfix ? [] : ['-c', places.postfix];
  const { status, stdout } = await carryOut({ verb: 'run', program: 'postconf', args: [...own, '-hx', name] });
  return status === 0 ? stdout.trim() : '';
};

const notOurs = 'Postern does not write such a map';

/** What nothing can be said about from here: the question to ask is told. */
const unanswered = (token: string, parameter: string, why: string): Audited => ({
  server: 'postfix',
  domain: '',
  fate: 'unknown',
  target: token,
  decidedBy: parameter,
  advice: `${why}; ask it for a domain: postmap -q @DOMAIN ${token}; where it answers, take that row out or let it answer nothing`,
  file: undefined,
});

const askedDomainsMax = 200;
/** Such maps match a whole address, no `@domain`. */
const byPattern = new Set(['regexp', 'pcre']);
const strangerName = 'postern-no-such-name';

/** Maps that Postern does not write (SQL, LDAP, patterns) are asked for a name that nobody has, at every domain. */
const askMap = async (
  token: string,
  parameter: string,
  domains: readonly string[],
  carryOut: CarryOut,
): Promise<readonly Audited[]> => {
  const type = token.slice(0, Math.max(0, token.indexOf(':')));
  const keyOf = (domain: string): string => (byPattern.has(type) ? `${strangerName}@${domain}` : `@${domain}`);
  const asked = domains.slice(0, askedDomainsMax);
  const answered: Audited[] = [];
  try {
    for (const domain of asked) {
      const { status, stdout } = await carryOut({
        verb: 'run',
        program: 'postmap',
        args: ['-q', keyOf(domain), token],
      });
      if (status !== 0 || stdout.trim() === '') continue;
      const target = stdout.trim();
      const form = catchAllFormat(parameter === 'virtual_alias_maps' ? 'postfix-map' : 'postfix-mailboxes');
      const [found] = form?.find(`@${domain} ${target}\n`, '', (name) => domains.includes(name)) ?? [];
      answered.push({
        server: 'postfix',
        domain,
        fate: found?.fate ?? 'unknown',
        target,
        decidedBy: `${parameter}: ${token}`,
        advice: `${notOurs}; what answers: postmap -q ${keyOf(domain)} ${token}`,
        file: undefined,
      });
    }
  } catch (error) {
    return [unanswered(token, parameter, error instanceof Fault ? error.message : 'it could not be asked')];
  }
  if (asked.length < domains.length || asked.length === 0)
    answered.push(unanswered(token, parameter, `${asked.length} of ${domains.length} domains were asked for`));
  return answered;
};

export const postfixMaps = async (places: MapPlaces, carryOut: CarryOut): Promise<PostfixMaps> => {
  const main = join(places.postfix, 'main.cf');
  if (!existsSync(main)) return { files: [], others: [], domains: [] };
  const local = await Promise.all(
    ['mydestination', 'virtual_mailbox_domains', 'virtual_alias_domains'].map((name) =>
      readParameter(places, name, carryOut),
    ),
  );
  const domains = local.flatMap((value) => value.split(/[,\s]+/)).filter((word) => domainName.test(word));
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
      if (!indexed.has(type) || !path.startsWith('/'))
        others.push(...(await askMap(token, parameter, domains, carryOut)));
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
  return { files, others, domains };
};
