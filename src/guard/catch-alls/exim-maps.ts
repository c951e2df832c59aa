/** Exim's maps: one alias file a domain (cPanel, DirectAdmin), and the files that its own routers look names up in. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CarryOut } from '../../model/verb.ts';
import { aliasLookups } from '../../servers/exim/alias-lookups.ts';
import { domainName, filesIn } from './places.ts';
import type { Audited, MapFile, MapPlaces } from './places.ts';

const mapOf = (path: string, format: string, fileDomain: string): MapFile => ({
  server: 'exim',
  path,
  format,
  fileDomain: fileDomain.toLowerCase(),
  map: undefined,
});

/** Exim itself says which other files it looks in; without Exim there are none. */
const routersOf = async (carryOut: CarryOut): Promise<string> => {
  try {
    const { status, stdout } = await carryOut({ verb: 'run', program: 'exim', args: ['-bP', 'routers'] });
    return status === 0 ? stdout : '';
  } catch {
    return '';
  }
};

const builtMap = (path: string): Audited => ({
  server: 'exim',
  domain: '',
  fate: 'unknown',
  target: path,
  decidedBy: 'exim -bP routers',
  advice: 'ask the server: exim -bt no-such-name@DOMAIN; where that is deliverable, take the default out of its source',
  file: undefined,
});

export const eximMaps = async (
  { valiases, domainAliases, directAdmin }: MapPlaces,
  carryOut: CarryOut,
): Promise<{ files: readonly MapFile[]; others: readonly Audited[] }> => {
  const lookups = aliasLookups(await routersOf(carryOut)).filter(({ path }) => existsSync(path));
  const virtual = existsSync(directAdmin) ? readdirSync(directAdmin).filter((name) => domainName.test(name)) : [];
  const files = [
    ...valiases.flatMap((folder) => filesIn(folder).map((name) => mapOf(join(folder, name), 'exim-aliases', name))),
    ...domainAliases.flatMap((folder) =>
      filesIn(folder).map((name) => mapOf(join(folder, name), 'exim-domain-alias', name)),
    ),
    ...virtual
      .map((name) => mapOf(join(directAdmin, name, 'aliases'), 'exim-aliases', name))
      .filter(({ path }) => existsSync(path)),
    ...lookups.filter(({ isText }) => isText).map(({ path }) => mapOf(path, 'exim-aliases', '')),
  ];
  const built = lookups.filter(({ isText }) => !isText).map(({ path }) => builtMap(path));
  return { files: [...new Map(files.map((file) => [file.path, file])).values()], others: built };
};
