/**
 * One request of the Postfix policy delegation protocol (SMTPD_POLICY_README, "Protocol description"): lines of
 * `name=value`, an empty line ends it. Postfix sends some thirty attributes; kept are those that a question needs, the
 * others are passed over, as the protocol asks. What Postfix does not know it sends as an empty value.
 */
export const requestAttributes = [
  'protocol_state',
  'client_address',
  'helo_name',
  'sender',
  'recipient',
  'sasl_username',
  'queue_id',
  'instance',
] as const;
export type RequestAttribute = (typeof requestAttributes)[number];
/** Every attribute is there; '' where Postfix said nothing. Latin1 text, byte for byte. */
export type PolicyRequest = Readonly<Record<RequestAttribute, string>>;

export type Garbage = {
  readonly kind: 'garbage';
  readonly why: 'not-a-policy-request' | 'no-equals-sign' | 'nul' | 'too-many-attributes';
};
export type Parsed = { readonly kind: 'request'; readonly request: PolicyRequest } | Garbage;

/** A Postfix 3.10 sends 35. */
export const attributesMax = 100;

const requestType = 'request=smtpd_access_policy\n';
/** By the length of the name: most lines are passed over without making a string of their name. */
const knownByLength: readonly (readonly RequestAttribute[])[] = Array.from({ length: 32 }, (_, length) =>
  requestAttributes.filter((name) => name.length === length),
);
const attributeAt = (text: string, at: number, equals: number): RequestAttribute | undefined => {
  const candidates = knownByLength[equals - at];
  if (candidates === undefined) return undefined;
  for (const name of candidates) if (text.startsWith(name, at)) return name;
  return undefined;
};
const nothingSaid: PolicyRequest = {
  protocol_state: '',
  client_address: '',
  helo_name: '',
  sender: '',
  recipient: '',
  sasl_username: '',
  queue_id: '',
  instance: '',
};
const garbage = (why: Garbage['why']): Garbage => ({ kind: 'garbage', why });

/** @param text the lines of one request, each with its newline, without the empty line; of two equal names the first that says something holds */
export const parseRequest = (text: string): Parsed => {
  if (!text.startsWith(requestType)) return garbage('not-a-policy-request');
  if (text.includes('\0')) return garbage('nul');
  const request: Record<RequestAttribute, string> = { ...nothingSaid };
  let attributes = 1;
  for (let at = requestType.length; at < text.length;) {
    const end = text.indexOf('\n', at);
    const equals = text.indexOf('=', at);
    if (equals < 0 || equals > end) return garbage('no-equals-sign');
    if (++attributes > attributesMax) return garbage('too-many-attributes');
    const name = attributeAt(text, at, equals);
    if (name !== undefined && request[name] === '') request[name] = text.slice(equals + 1, end);
    at = end + 1;
  }
  return { kind: 'request', request };
};

/** What Postfix would send: for tests, and for a client that proves the service answers. Values hold no newline, no NUL. */
export const encodeRequest = (request: Partial<PolicyRequest>): string => {
  const lines = requestAttributes.map((name) => `${name}=${request[name] ?? ''}\n`);
  return `${requestType}${lines.join('')}\n`;
};
