/** The alias files of this host as one map, recipient to targets in lower case. Read again after some minutes. */
import { findAliases } from '../../sense/aliases/find.ts';
import { readAliases } from '../../servers/aliases/alias-file.ts';
import type { Aliases } from '../../servers/quota/behind-aliases.ts';

const keepMs = 300_000;
const aliasesMax = 500_000;

/** A name without a domain is one in each of ours, and what other aliases may lead to. */
const recipientsOf = (name: string, domains: readonly string[]): readonly string[] =>
  name.includes('@') ? [name] : [name, ...domains.map((domain) => `${name}@${domain}`)];

const readAll = async (domains: readonly string[]): Promise<Aliases> => {
  const aliases = new Map<string, readonly string[]>();
  const { files } = await findAliases();
  for (const { text, format } of files)
    for (const { key, targets } of readAliases(text, format)) {
      if (key.startsWith('@') || key === '*') continue;
      for (const recipient of recipientsOf(key.toLowerCase(), domains))
        // Who has two entries is left to its server: one of them may have room.
        if (aliases.size < aliasesMax)
          aliases.set(recipient, aliases.has(recipient) && !isSame(aliases.get(recipient), targets) ? [] : targets);
    }
  return aliases;
};

const isSame = (one: readonly string[] | undefined, other: readonly string[]): boolean =>
  one?.join('\n') === other.join('\n');

export type AliasBook = { readonly read: (now: number) => Promise<Aliases> };

/** @param domains of mailboxes and aliases whose names have none */
export const openAliases = (domains: readonly string[]): AliasBook => {
  let last: { readonly at: number; readonly aliases: Aliases } | undefined;
  return {
    read: async (now) => {
      if (last === undefined || now - last.at > keepMs) last = { at: now, aliases: await readAll(domains) };
      return last.aliases;
    },
  };
};
