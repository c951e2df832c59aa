/**
 * What Exim asks through `${readsocket}`: one line, `postern1` and fields `name=value` between tabs, ended by LF. What a
 * client could have shaped (HELO, addresses, account) is base64 (`${str2b64:…}`), so no value can end its field or line.
 */
const version = 'postern1';
const plainNames = ['stage', 'outcome', 'count', 'size', 'why'] as const;
const encodedNames = ['ip', 'helo', 'account', 'sender', 'recipient', 'id'] as const;
type FieldName = (typeof plainNames)[number] | (typeof encodedNames)[number];

/** Every field is there; undefined where Exim said nothing. '' is a value: the null reverse-path. Latin1 text, byte for byte. */
export type EximRequest = Readonly<Record<FieldName, string | undefined>>;

export type ParsedRequest =
  | { readonly kind: 'request'; readonly request: EximRequest }
  | { readonly kind: 'garbage'; readonly why: 'other-version' | 'no-equals-sign' | 'twice' | 'bad-encoding' };

/** The LF included. Exim's longest addresses (RFC 5321 §4.5.3.1) stay far below. */
export const requestBytesMax = 16 * 1024;

const plain: ReadonlySet<string> = new Set(plainNames);
const encoded: ReadonlySet<string> = new Set(encodedNames);
const isName = (name: string): name is FieldName => plain.has(name) || encoded.has(name);
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;
const plainText = /^[ -~]*$/;

const decode = (name: FieldName, value: string): string | undefined => {
  if (plain.has(name)) return plainText.test(value) ? value : undefined;
  return base64.test(value) && value.length % 4 === 0 ? Buffer.from(value, 'base64').toString('latin1') : undefined;
};

/** Unknown fields are passed over: a later Postern may send more. @param line without its LF */
export const parseRequest = (line: string): ParsedRequest => {
  const [head, ...fields] = line.split('\t');
  if (head !== version) return { kind: 'garbage', why: 'other-version' };
  const values = new Map<FieldName, string>();
  for (const field of fields) {
    const equals = field.indexOf('=');
    if (equals < 0) return { kind: 'garbage', why: 'no-equals-sign' };
    const name = field.slice(0, equals);
    if (!isName(name)) continue;
    if (values.has(name)) return { kind: 'garbage', why: 'twice' };
    const value = decode(name, field.slice(equals + 1));
    if (value === undefined) return { kind: 'garbage', why: 'bad-encoding' };
    values.set(name, value);
  }
  const of = (name: FieldName): string | undefined => values.get(name);
  return {
    kind: 'request',
    request: {
      stage: of('stage'),
      outcome: of('outcome'),
      count: of('count'),
      size: of('size'),
      why: of('why'),
      ip: of('ip'),
      helo: of('helo'),
      account: of('account'),
      sender: of('sender'),
      recipient: of('recipient'),
      id: of('id'),
    },
  };
};

/** What Exim would send: for tests, and for a client that proves the service answers. */
export const encodeRequest = (request: Partial<EximRequest>): string => {
  const fields = Object.entries(request).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [`\t${name}=${plain.has(name) ? value : Buffer.from(value, 'latin1').toString('base64')}`],
  );
  return `${version}${fields.join('')}\n`;
};
