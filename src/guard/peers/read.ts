/** Reads what another tool kept on this machine. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Fault, errorWords } from '../../model/fault.ts';
import { readAccessMap } from '../../protocols/peers/access.ts';
import { readDecisions, readWhitelist } from '../../protocols/peers/crowdsec.ts';
import { readCsfAllow, readCsfConfig, readCsfDeny } from '../../protocols/peers/csf.ts';
import { readBans, readJails } from '../../protocols/peers/fail2ban.ts';
import type { BanRow } from '../../protocols/peers/fail2ban.ts';
import { together } from '../../protocols/peers/imported.ts';
import type { Imported } from '../../protocols/peers/imported.ts';

const fileBytesMax = 64 * 1024 * 1024;

const textOf = (path: string): string => {
  try {
    const text = readFileSync(path, 'latin1');
    if (text.length <= fileBytesMax) return text;
  } catch (error) {
    throw new Fault('INPUT_UNREADABLE', `${path} cannot be read (${error instanceof Error ? error.message : ''})`, {
      cause: error,
    });
  }
  throw new Fault('INPUT_UNREADABLE', `${path} is larger than ${fileBytesMax} bytes`);
};

const inFiles = (read: (text: string) => Imported, paths: readonly string[]): Imported[] =>
  paths.filter((path) => existsSync(path)).map((path) => read(textOf(path)));

const bansIn = (file: string, now: number): Imported[] => {
  if (!existsSync(file)) return [];
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true });
    const rows = database.prepare('SELECT ip, timeofban, bantime FROM bans').all();
    return [
      readBans(
        rows.map(({ ip, timeofban, bantime }): BanRow => ({
          ip: String(ip),
          timeofban: Number(timeofban),
          bantime: Number(bantime),
        })),
        now,
      ),
    ];
  } catch (error) {
    const words = errorWords(error);
    throw new Fault('INPUT_UNREADABLE', `${file} cannot be read as a database of fail2ban (${words})`, {
      cause: error,
    });
  } finally {
    database?.close();
  }
};

type Reader = {
  readonly place: string | undefined;
  readonly read: (place: string, now: number) => readonly Imported[];
};

const readers = new Map<string, Reader>([
  [
    'fail2ban',
    {
      place: '/etc/fail2ban',
      read: (folder, now) => [
        ...inFiles(
          readJails,
          ['jail.conf', 'jail.local'].map((name) => join(folder, name)),
        ),
        ...inFiles(readJails, globSync(join(folder, 'jail.d/*.{conf,local}')).toSorted()),
        ...['/var/lib/fail2ban', folder].flatMap((place) => bansIn(join(place, 'fail2ban.sqlite3'), now)),
      ],
    },
  ],
  [
    'csf',
    {
      place: '/etc/csf',
      read: (folder) => [
        ...inFiles(
          readCsfAllow,
          ['csf.allow', 'csf.ignore'].map((name) => join(folder, name)),
        ),
        ...inFiles(readCsfDeny, [join(folder, 'csf.deny')]),
        ...inFiles(readCsfConfig, [join(folder, 'csf.conf')]),
      ],
    },
  ],
  [
    'crowdsec',
    {
      place: '/etc/crowdsec',
      read: (place, now) =>
        place.endsWith('.json')
          ? [readDecisions(textOf(place), now)]
          : inFiles(readWhitelist, [
              ...globSync(join(place, 'parsers/s02-enrich/*whitelist*.yaml')),
              ...globSync(join(place, 'postoverflows/s01-whitelist/*.yaml')),
            ]),
    },
  ],
  ['access-map', { place: undefined, read: (file) => [readAccessMap(textOf(file))] }],
]);

export const importNames = [...readers.keys()];

/** @throws Fault when there is nothing of that tool */
export const importFrom = (tool: string, path: string | undefined, now: number): Imported => {
  const reader = readers.get(tool);
  if (reader === undefined) throw new Fault('USAGE', `${tool}: expected ${importNames.join(', ')}`);
  const place = path ?? reader.place;
  if (place === undefined) throw new Fault('USAGE', `postern import ${tool} PATH: which file?`);
  const parts = reader.read(place, now);
  if (parts.length === 0) throw new Fault('INPUT_UNREADABLE', `there is nothing of ${tool} in ${place}`);
  return together(parts);
};
