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
  'size',
] as const;
type RequestAttribute = (typeof requestAttributes)[number];
/** Every attribute is there; '' where Postfix said nothing. Latin1 text, byte for byte. */
export type PolicyRequest = Readonly<Record<RequestAttribute, string>>;

type Garbage = {
  readonly kind: 'garbage';
  readonly why: 'not-a-policy-request' | 'no-equals-sign' | 'nul' | 'too-many-attributes';
};
export type Parsed = { readonly kind: 'request'; readonly request: PolicyRequest } | Garbage;

/** A Postfix 3.10 sends 35. */
export const attributesMax = 100;

const requestType = 'request=smtpd_access_policy\n';
const newline = 10;
const nothingSaid: PolicyRequest = {
  protocol_state: '',
  client_address: '',
  helo_name: '',
  sender: '',
  recipient: '',
  sasl_username: '',
  queue_id: '',
  instance: '',
  size: '',
};

/** No two of them share both length and first letter: most lines are passed over without making a string of their name. */
const placeOf = (length: number, firstLetter: number): number => length * 256 + firstLetter;
const known: readonly (RequestAttribute | undefined)[] = (() => {
  const places: (RequestAttribute | undefined)[] = Array.from({ length: placeOf(16, 0) }, () => undefined);
  for (const name of requestAttributes) places[placeOf(name.length, name.charCodeAt(0))] = name;
  return places;
})();

/** A request found in a text: where the next one begins, and what it is. */
export type Found = { readonly next: number; readonly parsed: Parsed };

const foundGarbage = (text: string, from: number, why: Garbage['why']): Found | undefined => {
  const end = text.indexOf('\n\n', from);
  return end < 0 ? undefined : { next: end + 2, parsed: { kind: 'garbage', why } };
};

/**
 * Reads the request that begins at `from`. Of two equal names the first that says something holds.
 * @returns undefined when its end is not there yet
 */
export const findRequest = (text: string, from: number): Found | undefined => {
  if (text.charCodeAt(from) === newline)
    return { next: from + 1, parsed: { kind: 'garbage', why: 'not-a-policy-request' } };
  if (!text.startsWith(requestType, from)) return foundGarbage(text, from, 'not-a-policy-request');
  const request: Record<RequestAttribute, string> = { ...nothingSaid };
  let at = from + requestType.length;
  for (let attributes = 1; ; attributes++) {
    const end = text.indexOf('\n', at);
    if (end < 0) return undefined;
    if (end === at) break;
    const equals = text.indexOf('=', at);
    if (equals < 0 || equals > end) return foundGarbage(text, at, 'no-equals-sign');
    if (attributes === attributesMax) return foundGarbage(text, at, 'too-many-attributes');
    const name = known[placeOf(equals - at, text.charCodeAt(at))];
    if (name !== undefined && request[name] === '' && text.startsWith(name, at))
      request[name] = text.slice(equals + 1, end);
    at = end + 1;
  }
  const isBinary = text.slice(from, at).includes('\0');
  return { next: at + 1, parsed: isBinary ? { kind: 'garbage', why: 'nul' } : { kind: 'request', request } };
};

/** What Postfix would send: for tests, and for a client that proves the service answers. Values hold no newline, no NUL. */
export const encodeRequest = (request: Partial<PolicyRequest>): string => {
  const lines = requestAttributes.map((name) => `${name}=${request[name] ?? ''}\n`);
  return `${requestType}${lines.join('')}\n`;
};
