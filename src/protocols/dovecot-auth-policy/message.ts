/**
 * Dovecot's authentication policy protocol (doc.dovecot.org, "Authentication policy support"), which is weakforced's
 * `allow` and `report` API: one JSON object in the body of `POST /?command=allow|report`, a JSON object with a number
 * `status` as the answer: negative refuses, positive delays by so many seconds, 0 goes on.
 */
export type PolicyMessage = {
  readonly command: 'allow' | 'report';
  /** '' where the server said nothing; UTF-8 as the server's own text. */
  readonly login: string;
  readonly remote: string;
  readonly protocol: string;
  readonly sessionId: string;
  /** Some bits of a hash of nonce, login and password: equal for equal passwords of one login. */
  readonly passwordHash: string;
  readonly tls: boolean;
  /** report only */
  readonly success: boolean;
  /** report only: we refused it ourselves before the password was looked at. */
  readonly policyReject: boolean;
};

export type ParsedMessage =
  | { readonly kind: 'message'; readonly message: PolicyMessage }
  | { readonly kind: 'garbage'; readonly why: 'no-command' | 'not-json' | 'not-an-object' | 'wrong-type' };

/** A body is far below: login names and attributes are bounded by the servers that send them. */
export const bodyBytesMax = 64 * 1024;
const textLengthMax = 1024;

const commandOf = (target: string): PolicyMessage['command'] | undefined => {
  const query = target.slice(target.indexOf('?') + 1);
  const found = query.split('&').find((part) => part.startsWith('command='));
  const command = found?.slice('command='.length);
  return command === 'allow' || command === 'report' ? command : undefined;
};

const garbage = (why: Extract<ParsedMessage, { kind: 'garbage' }>['why']): ParsedMessage => ({ kind: 'garbage', why });

/** @param target the request's target as it stands in the first line: `/?command=allow` */
export const parseMessage = (target: string, body: string): ParsedMessage => {
  const command = commandOf(target);
  if (command === undefined) return garbage('no-command');
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return garbage('not-json');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return garbage('not-an-object');
  // Read by names of ours only, and only what the object itself has.
  const fieldOf = (name: string): unknown => (Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined);
  const textOf = (name: string): string | undefined => {
    const field = fieldOf(name) ?? '';
    return typeof field === 'string' ? field.slice(0, textLengthMax) : undefined;
  };
  const login = textOf('login');
  const remote = textOf('remote');
  if (login === undefined || remote === undefined) return garbage('wrong-type');
  return {
    kind: 'message',
    message: {
      command,
      login,
      remote,
      protocol: textOf('protocol') ?? '',
      sessionId: textOf('session_id') ?? '',
      passwordHash: textOf('pwhash') ?? '',
      tls: fieldOf('tls') === true,
      success: fieldOf('success') === true,
      policyReject: fieldOf('policy_reject') === true,
    },
  };
};

export type PolicyAnswer = { readonly status: number; readonly msg: string };

/** Go on: also the answer to whatever cannot be judged. */
export const goOn: PolicyAnswer = { status: 0, msg: '' };

export const encodeAnswer = ({ status, msg }: PolicyAnswer): string => JSON.stringify({ status, msg });
