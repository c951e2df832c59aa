/** What a setting is, and the forms that its value may have. */
export type Setting = {
  readonly key: string;
  readonly default: string | number | readonly string[];
  /** What a value must look like, in words. */
  readonly form: string;
  readonly sentence: string;
  readonly accepts: (value: unknown) => boolean;
};

export const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
export const isListOf =
  (accepts: (item: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every(accepts);
export const isOneOf =
  (...words: readonly string[]) =>
  (value: unknown): boolean =>
    typeof value === 'string' && words.includes(value);
export const isWhole =
  (from: number, to: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to;

export type ListenAt = { readonly host: string; readonly port: number } | { readonly path: string } | 'off';

/** `host:port`, `[v6]:port`, `unix:/path` or `off`. */
export const listenAt = (text: unknown): ListenAt | undefined => {
  if (text === 'off') return 'off';
  if (typeof text !== 'string') return undefined;
  if (text.startsWith('unix:/')) return { path: text.slice(5) };
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^:[\]/ ]+):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[2]);
  return parts?.[1] === undefined || port > 65_535 ? undefined : { host: parts[1].replace(/^\[|\]$/g, ''), port };
};

/** `host:port` of a server; undefined for `store` and anything else. */
export const hostAndPort = (text: unknown): { readonly host: string; readonly port: number } | undefined => {
  const at = listenAt(text);
  return at === undefined || at === 'off' || 'path' in at ? undefined : at;
};
