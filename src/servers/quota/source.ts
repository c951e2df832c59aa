/**
 * Where quotas are read, as the configuration says it: `dovecot`, `quota-status:HOST:PORT`, `maildir:/var/vmail/%d/%n`,
 * `mbox:50M:/var/mail/%n`, `command:/path`. In a path %n is the name, %d the domain, %u both (Dovecot's variables), a part `*` anything.
 */
export type QuotaSource =
  | { readonly kind: 'dovecot' }
  | { readonly kind: 'quota-status'; readonly at: { readonly host: string; readonly port: number } | { path: string } }
  | { readonly kind: 'maildir'; readonly path: string }
  | { readonly kind: 'mbox'; readonly path: string; readonly bytesMax: number }
  | { readonly kind: 'command'; readonly path: string };

const units = new Map([
  ['', 1],
  ['K', 1024],
  ['M', 1024 ** 2],
  ['G', 1024 ** 3],
]);

const bytesOf = (text: string): number | undefined => {
  const parts = /^(\d{1,12})([KMG]?)$/.exec(text);
  const unit = units.get(parts?.[2] ?? '');
  const bytes = parts === null || unit === undefined ? 0 : Number(parts[1]) * unit;
  return bytes > 0 ? bytes : undefined;
};

const isPattern = (path: string): boolean =>
  path.startsWith('/') && (path.includes('%n') || path.includes('%u')) && !path.split('/').includes('..');

const endpointOf = (text: string): { host: string; port: number } | { path: string } | undefined => {
  if (text.startsWith('unix:/')) return { path: text.slice(5) };
  const parts = /^(\[[0-9a-fA-F:.]{2,45}\]|[^:[\]/ ]{1,255}):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[2] ?? 0);
  return parts?.[1] === undefined || port < 1 || port > 65_535
    ? undefined
    : { host: parts[1].replace(/^\[|\]$/g, ''), port };
};

/** @returns undefined for what is no source */
export const quotaSourceOf = (text: unknown): QuotaSource | undefined => {
  if (text === 'dovecot') return { kind: 'dovecot' };
  if (typeof text !== 'string') return undefined;
  const colon = text.indexOf(':');
  const [kind, rest] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
  switch (kind) {
    case 'quota-status': {
      const at = endpointOf(rest);
      return at === undefined ? undefined : { kind, at };
    }
    case 'maildir':
      return isPattern(rest) ? { kind, path: rest } : undefined;
    case 'mbox': {
      const bytesMax = bytesOf(rest.slice(0, Math.max(0, rest.indexOf(':'))));
      const path = rest.slice(rest.indexOf(':') + 1);
      return bytesMax !== undefined && isPattern(path) ? { kind, path, bytesMax } : undefined;
    }
    case 'command':
      return rest.startsWith('/') ? { kind, path: rest } : undefined;
    default:
      return undefined;
  }
};

/** What a name of a folder says of the mailbox inside it. */
export type Found = { readonly name?: string; readonly domain?: string };

const foundBy = (letter: string | undefined, value: string): Found | undefined => {
  if (letter === 'n') return { name: value };
  if (letter === 'd') return { domain: value };
  const at = value.lastIndexOf('@');
  if (letter !== 'u') return undefined;
  return at < 0 ? { name: value } : { name: value.slice(0, at), domain: value.slice(at + 1) };
};

/**
 * One part of a path pattern (`%n`, `%d`, `%n@%d`, `u-%u`, `*`, `Maildir`) held against a file's name.
 * @returns undefined when it does not fit
 */
export const matchPart = (part: string, file: string): Found | undefined => {
  if (part === '*') return {};
  const at = part.indexOf('%');
  if (at < 0) return part === file ? {} : undefined;
  const [letter, before, behind] = [part[at + 1], part.slice(0, at), part.slice(at + 2)];
  if (!file.startsWith(before)) return undefined;
  const next = behind.indexOf('%');
  const literal = next < 0 ? behind : behind.slice(0, next);
  const end = next < 0 ? file.length - literal.length : file.lastIndexOf(literal);
  if (end <= before.length || (next >= 0 && literal === '') || !file.startsWith(literal, end)) return undefined;
  const value = file.slice(before.length, end).toLowerCase();
  const rest = next < 0 ? {} : matchPart(behind.slice(next), file.slice(end + literal.length));
  if (rest === undefined) return undefined;
  const found = foundBy(letter, value);
  return found === undefined ? undefined : { ...rest, ...found };
};

export const addressOf = ({ name = '', domain }: Found): string => (domain === undefined ? name : `${name}@${domain}`);
