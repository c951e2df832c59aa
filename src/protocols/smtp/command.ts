/** SMTP commands (RFC 5321 §4.1; STARTTLS RFC 3207, AUTH RFC 4954, BDAT RFC 3030): a line to a value, or what is wrong with it. */
export type Parameters = ReadonlyMap<string, string>;

export type Command =
  | { readonly verb: 'EHLO' | 'HELO'; readonly name: string }
  /** `path` without brackets and source route; '' is the null reverse-path. */
  | { readonly verb: 'MAIL'; readonly path: string; readonly parameters: Parameters }
  | { readonly verb: 'RCPT'; readonly path: string; readonly parameters: Parameters }
  | { readonly verb: 'BDAT'; readonly length: number; readonly last: boolean }
  | { readonly verb: 'AUTH'; readonly mechanism: string; readonly initial: string | undefined }
  | { readonly verb: 'VRFY' | 'EXPN' | 'NOOP' | 'HELP' | 'ETRN'; readonly text: string }
  | { readonly verb: 'DATA' | 'RSET' | 'QUIT' | 'STARTTLS' };

export type ParsedCommand =
  | { readonly kind: 'command'; readonly command: Command }
  /** `verb` as far as it is known. */
  | { readonly kind: 'error'; readonly why: 'unknown-command' | 'syntax' | 'non-smtp'; readonly verb: string };

/** RFC 5321 §4.5.3.1.3, and room for UTF-8. */
const pathLengthMax = 320;
const localPartLengthMax = 64 * 2;
const parametersMax = 20;
const nameLengthMax = 255;

const syntax = (verb: string): ParsedCommand => ({ kind: 'error', why: 'syntax', verb });
const found = (command: Command): ParsedCommand => ({ kind: 'command', command });

/** No control characters; 8-bit is SMTPUTF8's. */
const printable = /^[ -~\u0080-\u00ff]*$/;
const domainText =
  /^(\[[0-9A-Za-z:.]{2,64}\]|[0-9A-Za-z\u0080-\u00ff](?:[0-9A-Za-z.\u0080-\u00ff_-]{0,253}[0-9A-Za-z\u0080-\u00ff])?)$/;
const atomText = /^[^ "(),:;<>@[\\\]]+$/;

const isLocalPart = (text: string): boolean => {
  if (text.length > localPartLengthMax) return false;
  if (!text.startsWith('"')) return atomText.test(text);
  if (text.length < 2 || !text.endsWith('"')) return false;
  for (let at = 1; at < text.length - 1; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return false;
    if (at >= text.length - 1) return false;
  }
  return true;
};

/** True for `local@domain`, with a quoted local part too. */
export const isMailbox = (path: string): boolean => {
  const at = path.lastIndexOf('@');
  return at > 0 && isLocalPart(path.slice(0, at)) && domainText.test(path.slice(at + 1));
};

/** Where the bracket that ends the path stands: behind quoted text. */
const pathEnd = (text: string): number => {
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (quoted && text[at] === '\\') at++;
    else if (text[at] === '"') quoted = !quoted;
    else if (text[at] === '>' && !quoted) return at;
  }
  return -1;
};

/** One for all: most commands have none. */
const noParameters: Parameters = new Map();

const readParameters = (text: string): Parameters | undefined => {
  if (text.trim() === '') return noParameters;
  const parameters = new Map<string, string>();
  for (const word of text.split(' ')) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const keyword = (equals < 0 ? word : word.slice(0, equals)).toUpperCase();
    if (!/^[0-9A-Z][0-9A-Z-]*$/.test(keyword) || parameters.has(keyword) || parameters.size === parametersMax)
      return undefined;
    parameters.set(keyword, equals < 0 ? '' : word.slice(equals + 1));
  }
  return parameters;
};

/** `FROM:<a@b> SIZE=1`. Postmaster alone may be named without a domain (RFC 5321 §4.1.1.3). */
const readPath = (verb: 'MAIL' | 'RCPT', text: string): ParsedCommand => {
  const word = verb === 'MAIL' ? 'FROM:' : 'TO:';
  if (text.slice(0, word.length).toUpperCase() !== word) return syntax(verb);
  const rest = text.slice(word.length).trimStart();
  if (!rest.startsWith('<')) return syntax(verb);
  const end = pathEnd(rest);
  const inner = rest.slice(1, end);
  if (end < 0 || inner.length > pathLengthMax || (rest[end + 1] ?? ' ') !== ' ') return syntax(verb);
  const path = inner.startsWith('@') ? inner.slice(inner.indexOf(':') + 1) : inner;
  const isNull = path === '' && verb === 'MAIL';
  const isPostmaster = verb === 'RCPT' && path.toLowerCase() === 'postmaster';
  if (!isNull && !isPostmaster && !isMailbox(path)) return syntax(verb);
  const parameters = readParameters(rest.slice(end + 1));
  return parameters === undefined ? syntax(verb) : found({ verb, path, parameters });
};

const readBdat = (text: string): ParsedCommand => {
  const parts = /^(\d{1,10})( last)?$/i.exec(text);
  return parts === null
    ? syntax('BDAT')
    : found({ verb: 'BDAT', length: Number(parts[1]), last: parts[2] !== undefined });
};

const readAuth = (text: string): ParsedCommand => {
  const [mechanism = '', initial, ...more] = text.split(' ');
  if (!/^[A-Za-z0-9_-]{1,20}$/.test(mechanism) || more.length > 0) return syntax('AUTH');
  return found({ verb: 'AUTH', mechanism: mechanism.toUpperCase(), initial });
};

const readHello = (verb: 'EHLO' | 'HELO', text: string): ParsedCommand => {
  const name = text.trim();
  return name === '' || name.length > nameLengthMax || name.includes(' ') ? syntax(verb) : found({ verb, name });
};

const bare =
  (verb: 'DATA' | 'RSET' | 'QUIT' | 'STARTTLS') =>
  (text: string): ParsedCommand =>
    text.trim() === '' ? found({ verb }) : syntax(verb);
const withText =
  (verb: 'VRFY' | 'EXPN' | 'NOOP' | 'HELP' | 'ETRN') =>
  (text: string): ParsedCommand =>
    found({ verb, text });

const readers = new Map<string, (text: string) => ParsedCommand>([
  ['EHLO', (text) => readHello('EHLO', text)],
  ['HELO', (text) => readHello('HELO', text)],
  ['MAIL', (text) => readPath('MAIL', text)],
  ['RCPT', (text) => readPath('RCPT', text)],
  ['DATA', bare('DATA')],
  ['BDAT', readBdat],
  ['RSET', bare('RSET')],
  ['QUIT', bare('QUIT')],
  ['STARTTLS', bare('STARTTLS')],
  ['AUTH', readAuth],
  ['VRFY', withText('VRFY')],
  ['EXPN', withText('EXPN')],
  ['NOOP', withText('NOOP')],
  ['HELP', withText('HELP')],
  ['ETRN', withText('ETRN')],
]);

/** Other protocols that are spoken to mail ports: browsers made to (cross-protocol attacks), scanners, proxies. */
const foreign =
  /^(GET|POST|PUT|CONNECT|HEAD|OPTIONS|PRI|DELETE|TRACE|PATCH) \S+( HTTP\/|$)|^(Host|User-Agent|Content-\w+): /;

/** A TLS client that did not wait for STARTTLS (RFC 8446 §5.1). */
const tlsHello = '\u0016\u0003';

/** @param line without its CRLF */
export const parseCommand = (line: string): ParsedCommand => {
  if (foreign.test(line) || line.startsWith(tlsHello))
    return { kind: 'error', why: 'non-smtp', verb: line.split(' ', 1)[0] ?? '' };
  const space = line.indexOf(' ');
  const verb = (space < 0 ? line : line.slice(0, space)).toUpperCase();
  const reader = readers.get(verb);
  if (reader === undefined) return { kind: 'error', why: 'unknown-command', verb: verb.slice(0, 20) };
  if (!printable.test(line)) return syntax(verb);
  return reader(space < 0 ? '' : line.slice(space + 1));
};
