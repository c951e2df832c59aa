/** Which alias files are on this host, and which domains are its own: Postfix's maps, panels' and Sendmail's files. */
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename, delimiter } from 'node:path';
import { promisify } from 'node:util';
import { domainOf } from '../../model/address.ts';
import { readAliases } from '../../servers/aliases/alias-file.ts';
import type { AliasFormat, AliasRefresh } from '../../servers/aliases/alias-file.ts';

type AliasFile = {
  readonly path: string;
  readonly format: AliasFormat;
  readonly refresh: AliasRefresh;
  readonly text: string;
};
export type FoundAliases = {
  readonly files: readonly AliasFile[];
  readonly localDomains: readonly string[];
  /** Maps that are no files, or may not be read. */
  readonly unread: readonly string[];
};

const fileBytesMax = 64 * 1024 * 1024;
const postconfMsMax = 5000;

const textOf = (path: string): string | undefined => {
  try {
    const text = readFileSync(path, 'latin1');
    return text.length > fileBytesMax ? undefined : text;
  } catch {
    return undefined;
  }
};

const postconf = async (name: string): Promise<string> => {
  const path = [process.env['PATH'], '/usr/sbin'].join(delimiter);
  const run = promisify(execFile)('postconf', ['-hx', name], {
    timeout: postconfMsMax,
    env: { ...process.env, PATH: path },
  });
  return run.then(
    ({ stdout }) => stdout.trim(),
    () => '',
  );
};
const wordsOf = (text: string): readonly string[] => text.split(/[\s,]+/).filter((word) => word !== '');

const built = new Set(['hash', 'btree', 'lmdb', 'cdb', 'dbm']);
/** Read by each process when it starts. */
const plainMap = 'texthash';

type Place = Omit<AliasFile, 'text'>;

const postfixPlace = (map: string, format: AliasFormat): Place | undefined => {
  const colon = map.indexOf(':');
  const [type, path] = [map.slice(0, colon), map.slice(colon + 1)];
  if (!path.startsWith('/')) return undefined;
  if (type === plainMap) return { path, format, refresh: { kind: 'reload' } };
  if (!built.has(type)) return undefined;
  return { path, format, refresh: format === 'colon' ? { kind: 'newaliases' } : { kind: 'postmap', type } };
};

const otherPlaces = (): readonly Place[] => [
  ...['/etc/valiases/*', '/etc/exim4/valiases/*', '/etc/virtual/*/aliases', '/etc/exim4/aliases'].flatMap((pattern) =>
    globSync(pattern).map((path): Place => ({ path, format: 'colon', refresh: { kind: 'none' } })),
  ),
  { path: '/etc/mail/aliases', format: 'colon', refresh: { kind: 'newaliases' } },
  { path: '/etc/mail/virtusertable', format: 'blank', refresh: { kind: 'makemap', type: 'hash' } },
  { path: '/etc/aliases', format: 'colon', refresh: { kind: 'newaliases' } },
];

const domainLists = ['/etc/localdomains', '/etc/mail/local-host-names', '/etc/exim4/domains'];

const listedDomains = (): readonly string[] =>
  domainLists.flatMap((path) => (textOf(path) ?? '').split('\n').map((line) => /^[^\s#:]+/.exec(line)?.[0] ?? ''));

/** A panel names the file, or its folder, after the domain. */
const domainInName = (path: string): string =>
  basename(path) === 'aliases' ? basename(path.slice(0, -'/aliases'.length)) : basename(path);

export const findAliases = async (): Promise<FoundAliases> => {
  const [virtual, aliases, ...domains] = await Promise.all(
    [
      'virtual_alias_maps',
      'alias_maps',
      'mydestination',
      'virtual_mailbox_domains',
      'virtual_alias_domains',
      'relay_domains',
    ].map(postconf),
  );
  const maps = [
    ...wordsOf(virtual ?? '').map((map) => ({ map, place: postfixPlace(map, 'blank') })),
    ...wordsOf(aliases ?? '').map((map) => ({ map, place: postfixPlace(map, 'colon') })),
  ];
  const unread = maps.filter(({ place }) => place === undefined).map(({ map }) => map);
  const places = [...maps.flatMap(({ place }) => place ?? []), ...otherPlaces()];
  const files = new Map<string, AliasFile>();
  for (const place of places) {
    const text = files.has(place.path) ? undefined : textOf(place.path);
    if (text !== undefined) files.set(place.path, { ...place, text });
  }
  const keyDomains = [...files.values()].flatMap(({ text, format }) =>
    readAliases(text, format).map(({ key }) => domainOf(key)),
  );
  const localDomains = [
    ...domains.flatMap(wordsOf),
    ...keyDomains,
    ...listedDomains(),
    ...[...files.keys()].map(domainInName),
  ]
    .map((word) => word.toLowerCase())
    .filter((word) => word.includes('.') && !word.includes('/') && !word.includes(':'));
  return { files: [...files.values()], localDomains: [...new Set(localDomains)], unread };
};
