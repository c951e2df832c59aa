/** What another tool kept: whom it let through, whom it shut out until when, and what it was set to. */
import { isAddressOrNetwork } from '../../model/address-set.ts';

export type Denied = {
  readonly network: string;
  /** Milliseconds since 1970; undefined: for ever. */
  readonly until: number | undefined;
};
export type Imported = {
  readonly allow: readonly string[];
  readonly deny: readonly Denied[];
  /** What it was told and how Postern differs, a sentence each. */
  readonly differs: readonly string[];
  /** Lines and entries that were not understood. */
  readonly skipped: readonly string[];
};

export const nothing: Imported = { allow: [], deny: [], differs: [], skipped: [] };

export const together = (parts: readonly Imported[]): Imported => ({
  allow: [...new Set(parts.flatMap(({ allow }) => allow))],
  deny: parts.flatMap(({ deny }) => deny),
  differs: [...new Set(parts.flatMap(({ differs }) => differs))],
  skipped: parts.flatMap(({ skipped }) => skipped),
});

/** Sorts words into networks and what is none. */
export const sorted = (words: readonly string[]): { readonly networks: string[]; readonly others: string[] } => ({
  networks: words.filter(isAddressOrNetwork),
  others: words.filter((word) => !isAddressOrNetwork(word)),
});
