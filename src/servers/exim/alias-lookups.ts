/**
 * Which files a configuration looks names up in with a default for all others (specification, "Single-key lookup types"
 * and "Partial matching and default values"): `lsearch*{FILE}`, `lsearch*@{FILE}`, `wildlsearch{FILE}`.
 */
/** The character behind the name shows that it is whole, and no variable begins there. */
const lookup = /\b(n?wildlsearch|(?:lsearch|cdb|dbm)\*@?)[;{]\s*(\/[^\s{}$:;]{1,1000})(?=[\s}:;])/g;
const lineLengthMax = 10_000;

export type AliasLookup = {
  readonly path: string;
  /** False: a file that only its own tool can read and write. */
  readonly isText: boolean;
};

/** @param routers what `exim -bP routers` prints. A file whose name holds a variable is left out. */
export const aliasLookups = (routers: string): readonly AliasLookup[] => {
  const found = new Map<string, AliasLookup>();
  for (const line of routers.split('\n')) {
    if (!line.trimStart().startsWith('data = ') || line.length > lineLengthMax) continue;
    for (const [, type = '', path = ''] of line.matchAll(lookup))
      found.set(path, { path, isText: type.includes('lsearch') });
  }
  return [...found.values()];
};
