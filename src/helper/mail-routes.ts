/**
 * The mail servers that ours works with, by name in its configuration: relay hosts, and the other exchangers of its own
 * domains (RFC 5321, section 5). They hand in mail for names that do not exist, and must never be taken for attackers.
 * Postfix: postconf(5). Sendmail: cf/README, SMART_HOST. Exim: Debian's update-exim4.conf(8).
 */
import { lookup, Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { canonicalAddress } from '../model/address.ts';
import type { Protection } from '../model/verb.ts';

const freshMs = 10 * 60_000;
/** A resolver that is down takes nobody's protection away for so long. */
const keptMs = 24 * 3600_000;
const deadlineMs = 4000;
const queryMs = 1500;
const namesMax = 100;

export type Routes = {
  /** Names of relay hosts; those in brackets are looked up as hosts, others as domains first (postconf(5), relayhost). */
  readonly relays: readonly string[];
  readonly domains: readonly string[];
};

const isName = (text: string): boolean =>
  text.length <= 253 &&
  text.includes('.') &&
  /[a-z]/.test(text) &&
  text.split('.').every((label) => /^[a-z0-9_][a-z0-9_-]{0,62}$/.test(label));

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};
const wordsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[\s,;'"]+/)
    .filter((word) => word !== '');

/** `[smtp.example.org]:587`, `smtp:[mail.example.org]`, `esmtp:mail.example.org`, `mail.example.org::587` */
const hostIn = (word: string): string =>
  /\[([^\]]*)\]/.exec(word)?.[1] ?? word.replace(/:+\d+$/, '').replace(/^[a-z]+:/, '');

const withoutComments = (text: string): string => text.replaceAll(/^#.*$/gm, '');

/** @param postfix `name = value`, a line each, as `postconf -x` prints it */
export const routesIn = (postfix: string, read: (path: string) => string = textOf): Routes => {
  const values = new Map(
    postfix.split('\n').map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, Math.max(0, at)).trim(), line.slice(at + 1)];
    }),
  );
  const of = (...names: readonly string[]): string[] => names.flatMap((name) => wordsOf(values.get(name) ?? ''));
  const transports = of('relay_transport', 'default_transport').filter((word) => /^(smtp|relay|lmtp):/.test(word));
  const exim = read('/etc/exim4/update-exim4.conf.conf');
  const inExim = (name: string): string[] =>
    wordsOf(
      exim
        .split('\n')
        .find((line) => line.startsWith(`${name}=`))
        ?.slice(name.length + 1) ?? '',
    );
  const smart = /^DS(.*)$/m.exec(read('/etc/mail/sendmail.cf'))?.[1] ?? '';
  const relays = [
    ...of('relayhost', 'smtp_fallback_relay'),
    ...transports,
    ...inExim('dc_smarthost'),
    ...wordsOf(smart),
  ];
  const domains = [
    ...of('mydomain', 'mydestination', 'relay_domains', 'virtual_mailbox_domains', 'virtual_alias_domains'),
    ...inExim('dc_other_hostnames'),
    ...inExim('dc_relay_domains'),
    ...['/etc/mail/local-host-names', '/etc/mail/relay-domains', '/etc/localdomains'].flatMap((path) =>
      wordsOf(withoutComments(read(path))),
    ),
  ];
  const unique = (names: readonly string[]): readonly string[] => [...new Set(names.filter(isName))].slice(0, namesMax);
  return { relays: unique(relays.map(hostIn)), domains: unique(domains) };
};

export const routeParameters = [
  'relayhost',
  'smtp_fallback_relay',
  'relay_transport',
  'default_transport',
  'mydomain',
  'mydestination',
  'relay_domains',
  'virtual_mailbox_domains',
  'virtual_alias_domains',
] as const;

const addressesOf = async (host: string): Promise<readonly string[]> => {
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.flatMap(({ address }) => canonicalAddress(address) ?? []);
};

const exchangersOf = async (resolver: Resolver, domain: string): Promise<readonly string[]> =>
  (await resolver.resolveMx(domain).catch(() => [])).map(({ exchange }) => exchange).slice(0, namesMax);

const resolved = async ({ relays, domains }: Routes): Promise<readonly Protection[]> => {
  const resolver = new Resolver({ timeout: queryMs, tries: 2 });
  const byMail = async (domain: string, why: string): Promise<readonly Protection[]> => {
    const hosts = await exchangersOf(resolver, domain);
    const addresses = await Promise.all(hosts.map(addressesOf));
    return addresses.flat().map((network) => ({ network, why }));
  };
  const found = await Promise.all([
    ...relays.flatMap((name) => [
      byMail(name, `a relay host (${name})`),
      addressesOf(name).then((all) => all.map((network) => ({ network, why: `a relay host (${name})` }))),
    ]),
    ...domains.map((domain) => byMail(domain, `a mail exchanger of ${domain}`)),
  ]);
  return found.flat();
};

type ResolveRoutes = (routes: Routes) => Promise<readonly Protection[]>;

/** Asked as often as you like: names are looked up every ten minutes, and nobody waits longer than a few seconds. */
export const createRoutes = (): ResolveRoutes => {
  let known: readonly Protection[] = [];
  let askedAt = -Infinity;
  let knownAt = -Infinity;
  let asking: Promise<void> | undefined;
  const ask = async (routes: Routes): Promise<void> => {
    const found = await resolved(routes);
    const now = performance.now();
    // A resolver that answers nothing at all is down: what it said before still holds.
    if (found.length > 0 || now - knownAt > keptMs) [known, knownAt] = [found, now];
  };
  return async (routes) => {
    if (asking === undefined && performance.now() - askedAt > freshMs) {
      askedAt = performance.now();
      asking = ask(routes)
        .catch(() => undefined)
        .finally(() => (asking = undefined));
      const patience = new AbortController();
      // The first time there is nothing to go by yet.
      if (knownAt === -Infinity)
        await Promise.race([asking, pause(deadlineMs, undefined, { signal: patience.signal }).catch(() => undefined)]);
      patience.abort();
    }
    return known;
  };
};
