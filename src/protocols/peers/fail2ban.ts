/** fail2ban's jail files (jail.conf(5): ini, values go on in indented lines) and rows of its database (table `bans`). */
import { nothing, sorted } from './imported.ts';
import type { Imported } from './imported.ts';

type Section = { readonly name: string; readonly values: Map<string, string> };

const sectionsOf = (text: string): Section[] => {
  const sections: Section[] = [];
  let key = '';
  for (const line of text.split('\n')) {
    const bare = line.trim();
    if (bare === '' || bare.startsWith('#') || bare.startsWith(';')) continue;
    const values = sections.at(-1)?.values;
    if (bare.startsWith('[') && bare.endsWith(']')) {
      sections.push({ name: bare.slice(1, -1), values: new Map() });
      key = '';
    } else if ((line.startsWith(' ') || line.startsWith('\t')) && key !== '')
      values?.set(key, `${values.get(key) ?? ''} ${bare}`);
    else {
      const equals = bare.indexOf('=');
      key = equals < 0 ? '' : bare.slice(0, equals).trim().toLowerCase();
      if (key !== '') values?.set(key, bare.slice(equals + 1).trim());
    }
  }
  return sections;
};

const isOn = (value: string | undefined): boolean => ['true', 'yes', '1', 'on'].includes(value?.toLowerCase() ?? '');

/** One file; later ones add. */
export const readJails = (text: string): Imported => {
  const sections = sectionsOf(text);
  const ignored = sections.flatMap(({ values }) =>
    (values.get('ignoreip') ?? '').split(/[\s,]+/).filter((word) => word !== ''),
  );
  const { networks, others } = sorted(ignored);
  const jails = sections.filter(({ values }) => isOn(values.get('enabled')));
  return {
    ...nothing,
    allow: networks,
    skipped: others.map((word) => `ignoreip ${word}: a name is not resolved, put its addresses into protect`),
    differs: jails.map(({ name, values }) => {
      const told = ['maxretry', 'findtime', 'bantime'].flatMap((word) =>
        values.has(word) ? `${word} ${values.get(word) ?? ''}` : [],
      );
      return `jail ${name}${told.length === 0 ? '' : ` (${told.join(', ')})`}: Postern counts distinct wrong recipients and accounts against good ones, not lines in a time; a client is shut out for 1 h, then 4 h, 1 d, 7 d`;
    }),
  };
};

export type BanRow = { readonly ip: string; readonly timeofban: number; readonly bantime: number };

/** @param now milliseconds since 1970: what is over is left out */
export const readBans = (rows: readonly BanRow[], now: number): Imported => {
  const deny = rows
    .filter(({ ip }) => sorted([ip]).networks.length === 1)
    .map(({ ip, timeofban, bantime }) => ({
      network: ip,
      until: bantime < 0 ? undefined : (timeofban + bantime) * 1000,
    }))
    .filter(({ until }) => until === undefined || until > now);
  return { ...nothing, deny };
};
