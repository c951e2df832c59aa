/** Where the maps that decide about unknown names lie, and what is found in them. */
import { existsSync, readdirSync } from 'node:fs';
import type { CatchAllWanted } from '../../act/catchall-lock.ts';
import type { Fate } from '../../servers/catch-all.ts';

export type MapPlaces = {
  /** Exim: one alias file a domain (cPanel: /etc/valiases). */
  readonly valiases: readonly string[];
  /** Exim: one file a domain whose mail goes to another domain. */
  readonly domainAliases: readonly string[];
  /** DirectAdmin: a folder for each domain, with a file `aliases`. */
  readonly directAdmin: string;
  /** Postfix: its configuration folder. */
  readonly postfix: string;
  readonly virtusertable: string;
};

export const usualPlaces: MapPlaces = {
  valiases: ['/etc/valiases', '/etc/exim4/valiases'],
  domainAliases: ['/etc/vdomainaliases'],
  directAdmin: '/etc/virtual',
  postfix: '/etc/postfix',
  virtusertable: '/etc/mail/virtusertable',
};

export type MapFile = Omit<CatchAllWanted, 'domains'> & { readonly server: string };

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

export const domainName = /^[a-z0-9](?:[a-z0-9._-]{0,250}[a-z0-9])?$/i;

/** Files of a folder that are named as a domain is. */
export const filesIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => domainName.test(name) && !name.endsWith('.db'))
        .toSorted()
    : [];
