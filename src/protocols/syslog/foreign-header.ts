/**
 * Headers that other writers of logs give a line, as one that header.ts reads: journalctl -o short-full and short-unix
 * (systemd), BusyBox (syslogd with and without -S, logread of OpenWrt), syslogd -v of FreeBSD, RFC 5424 without priority, a
 * collector's own stamp and host before the line's. Read from the left end only, up to the tag.
 */
type Plain = (first?: string, second?: string) => string;
const keepFirst: Plain = (first = '') => `${first} `;
const withoutHost: Plain = (first = '') => `${first} - `;

const rows: readonly (readonly [RegExp, Plain])[] = [
  [/^1 (?=\d{4}-\d\d-\d\dT)/, () => '<22>1 '],
  [/^[A-Z][a-z]{2} (\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?) (?:UTC|GMT) /, (first = '') => `${first}Z `],
  [/^[A-Z][a-z]{2} (\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?) [A-Z]{2,5} /, keepFirst],
  [/^(\d{10})\.(\d{3})\d{3} /, (seconds = '', ms = '') => `${new Date(Number(seconds + ms)).toISOString()} `],
  [/^([A-Z][a-z]{2}) (\d) (?=\d\d:\d\d:\d\d )/, (month = '', day = '') => `${month}  ${day} `],
  [
    /^[A-Z][a-z]{2} ([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) \d{4} <?(?:[a-z]{2,8}|local[0-7])[.:](?:emerg|alert|crit|err(?:or)?|warn(?:ing)?|notice|info|debug)>? /,
    withoutHost,
  ],
  [
    /^([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) <?(?:[a-z]{2,8}|local[0-7])[.:](?:emerg|alert|crit|err(?:or)?|warn(?:ing)?|notice|info|debug)>? /,
    keepFirst,
  ],
  [
    /^([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [\w.:-]{1,255}) <?(?:[a-z]{2,8}|local[0-7])[.:](?:emerg|alert|crit|err(?:or)?|warn(?:ing)?|notice|info|debug)>? /,
    keepFirst,
  ],
  [/^([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) (?=[\w./-]{1,80}\[\d{1,10}\]: )/, withoutHost],
  [
    /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?[\d:.+Z-]{0,10} [\w.:-]{1,255} (?=(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )/,
    () => '',
  ],
];
const headMax = 700;

/** The line with a header that is known, or undefined when this is none of these. */
export const plainOf = (line: string): string | undefined => {
  const head = line.slice(0, headMax);
  for (const [pattern, plain] of rows) {
    const found = pattern.exec(head);
    if (found !== null) return plain(found[1], found[2]) + line.slice(found[0].length);
  }
  return undefined;
};
