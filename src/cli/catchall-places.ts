/** Options that say where the maps of the mail servers lie. */
import { usualPlaces } from '../guard/catch-alls/places.ts';
import type { MapPlaces } from '../guard/catch-alls/places.ts';
import type { Call, Option } from './command.ts';

export const placesOf = ({ options }: Call): MapPlaces => {
  const folders = (name: string, usual: readonly string[]): readonly string[] => options.get(name)?.split(',') ?? usual;
  return {
    valiases: folders('valiases', usualPlaces.valiases),
    domainAliases: folders('vdomainaliases', usualPlaces.domainAliases),
    directAdmin: options.get('directadmin') ?? usualPlaces.directAdmin,
    postfix: options.get('postfix') ?? usualPlaces.postfix,
    virtusertable: options.get('virtusertable') ?? usualPlaces.virtusertable,
  };
};

export const placeOptions: readonly Option[] = [
  { name: 'valiases', value: 'DIR', sentence: 'Exim: the folder of alias files, one a domain.' },
  { name: 'vdomainaliases', value: 'DIR', sentence: 'Exim: the folder of domain aliases.' },
  { name: 'directadmin', value: 'DIR', sentence: 'DirectAdmin: the folder with a folder for each domain.' },
  { name: 'postfix', value: 'DIR', sentence: "Postfix's configuration folder." },
  { name: 'virtusertable', value: 'FILE', sentence: "Sendmail's virtusertable." },
];
