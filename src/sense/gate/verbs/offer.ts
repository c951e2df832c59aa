/** What EHLO offers: only what holds behind the gate, besides our own; AUTH under TLS alone (RFC 4954 §4). */
import type { Parameters } from '../../../protocols/smtp/command.ts';
import type { Destination } from '../destination.ts';

const own = ['PIPELINING', 'CHUNKING'];

type Rule = { readonly keyword: string; readonly value: RegExp };
const any = /^/;
/** Which keyword allows which parameter. */
const ruleOf = new Map<string, Rule>([
  ['SIZE', { keyword: 'SIZE', value: /^\d{1,20}$/ }],
  // BINARYMIME (RFC 3030 §3) is not offered.
  ['BODY', { keyword: '8BITMIME', value: /^(?:7BIT|8BITMIME)$/i }],
  ['SMTPUTF8', { keyword: 'SMTPUTF8', value: /^$/ }],
  ['RET', { keyword: 'DSN', value: any }],
  ['ENVID', { keyword: 'DSN', value: any }],
  ['NOTIFY', { keyword: 'DSN', value: any }],
  ['ORCPT', { keyword: 'DSN', value: any }],
  ['AUTH', { keyword: 'AUTH', value: any }],
]);

type Offer = {
  readonly keywords: readonly string[];
  /** Bytes of a message (RFC 1870). */
  readonly sizeMax: number;
  /** Of AUTH; undefined: nobody has said yet which there are. */
  readonly mechanisms: ReadonlySet<string> | undefined;
  /** True when each parameter was offered, with such a value. */
  readonly allows: (parameters: Parameters) => boolean;
};

/** @param tls whether the session has it */
export type OfferOf = (tls: boolean) => Promise<Offer>;

const nameOf = (keyword: string): string => keyword.split(' ', 1)[0]?.toUpperCase() ?? '';

/** The verb that a keyword stands for. */
const verbOf = (keyword: string): string => {
  const name = nameOf(keyword);
  return name === 'CHUNKING' ? 'BDAT' : name;
};

const offerOf = (keywords: readonly string[], isKnown: boolean): Offer => {
  const names = new Set(keywords.map(nameOf));
  const auth = keywords.find((keyword) => nameOf(keyword) === 'AUTH');
  const size = keywords.find((keyword) => nameOf(keyword) === 'SIZE');
  const isOffered = ([parameter, value]: readonly [string, string]): boolean => {
    const rule = ruleOf.get(parameter);
    return rule !== undefined && names.has(rule.keyword) && rule.value.test(value);
  };
  return {
    keywords,
    mechanisms: isKnown ? new Set(auth?.toUpperCase().split(' ').slice(1)) : undefined,
    sizeMax: Number(size?.slice(5)) || Infinity,
    allows: (parameters) => parameters.size === 0 || [...parameters].every(isOffered),
  };
};

/** Made once, as long as the server behind offers the same. */
export const createOffers = (destination: Destination, hasTls: boolean, disabled: ReadonlySet<string>): OfferOf => {
  let known: readonly string[] | undefined;
  let offers: readonly [plain: Offer, secure: Offer];
  return async (tls) => {
    const behind = await destination.keywords();
    if (behind !== known) {
      known = behind;
      const all = (more: readonly string[], offered: readonly string[]): Offer =>
        offerOf(
          [...own, ...more, ...offered].filter((keyword) => !disabled.has(verbOf(keyword))),
          behind.length > 0,
        );
      offers = [
        all(
          hasTls ? ['STARTTLS'] : [],
          behind.filter((keyword) => nameOf(keyword) !== 'AUTH'),
        ),
        all([], behind),
      ];
    }
    return tls ? offers[1] : offers[0];
  };
};
