/**
 * Where a stranger's message comes from, as the DNS has it: the sender's domain takes mail (an MX, or an address: RFC 5321 §5.1),
 * or says that it sends none (the null MX: RFC 7505); and what lists say of the client's address (RFC 5782), good and bad. What
 * cannot be found out is held against nobody.
 */
import { Buffer } from 'node:buffer';
import { isIPv4 } from 'node:net';
import { domainToASCII } from 'node:url';
import { domainOf } from '../../model/address.ts';
import type { Term, Verdict } from '../../model/verdict.ts';
import { createLookups } from '../dns/lookups.ts';
import { createResolver } from '../dns/resolver.ts';
import type { DnsServer, Resolve } from '../dns/resolver.ts';

/** A weight below zero speaks for the client. */
export type ListChoice = { readonly zone: string; readonly weight: number };

export type OriginSettings = {
  readonly checksSender: boolean;
  readonly lists: readonly ListChoice[];
  /** The sum of weights from which a client is refused. */
  readonly refuseFrom: number;
  /** None: those of the system. */
  readonly servers: readonly DnsServer[];
  readonly perMinuteMax: number;
};

type Refusal = Extract<Verdict, { kind: 'reject' }>;
/** @returns why nobody here takes the message, or undefined. Never rejects. */
export type OriginCheck = (client: string, sender: string) => Promise<Refusal | undefined>;

const refuse = (reply: Refusal['reply'], why: readonly Term[]): Refusal => ({ kind: 'reject', reply, why });
const term = (detector: string, subject: string, score = 1, threshold = 1): Term => ({
  detector,
  subject,
  score,
  threshold,
});

const noDomain: Refusal['reply'] = {
  code: '550',
  enhanced: '5.1.8',
  text: 'The domain of the sender does not exist or takes no mail',
};
/** RFC 7505 §4.2. */
const nullMx: Refusal['reply'] = {
  code: '550',
  enhanced: '5.7.27',
  text: 'The domain of the sender says that it sends no mail',
};

/** As it stands in the DNS; paths are latin1 strings of UTF-8 (RFC 6531). */
const asked = (domain: string): string => domainToASCII(Buffer.from(domain, 'latin1').toString('utf8'));

const checkSender = async (resolve: Resolve, sender: string): Promise<Refusal | undefined> => {
  const written = domainOf(sender);
  // The null reverse-path has no domain, and an address literal needs none.
  if (written === '' || written.startsWith('[')) return undefined;
  const domain = asked(written);
  const missing = refuse(noDomain, [term('sender-domain', written)]);
  if (domain === '') return missing;
  const mx = await resolve(domain, 'MX');
  if (mx.kind === 'found') {
    const isNull = mx.values.every((exchanger) => exchanger === '');
    return isNull ? refuse(nullMx, [term('null-mx', written)]) : undefined;
  }
  if (mx.kind === 'unknown') return undefined;
  if (!mx.name) return missing;
  for (const type of ['A', 'AAAA'] as const) if ((await resolve(domain, type)).kind !== 'none') return undefined;
  return missing;
};

/** `2.113.0.203`, or the 32 half-bytes of an IPv6 address (RFC 5782 §2.1, §2.4). */
const reversed = (address: string): string => {
  if (isIPv4(address)) return address.split('.').toReversed().join('.');
  const [head = '', tail] = address.split('::');
  const parts = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(':'));
  const [before, after] = [parts(head), parts(tail)];
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const digits = [...before, ...zeros, ...after].map((part) => part.padStart(4, '0')).join('');
  return digits.split('').toReversed().join('.');
};

/** 127.0.0.0/8 is an entry; 127.255.255.0/24 is how lists say that they do not answer us. */
const isEntry = (value: string): boolean => value.startsWith('127.') && !value.startsWith('127.255.255.');

const checkLists = async (
  resolve: Resolve,
  { lists, refuseFrom }: OriginSettings,
  client: string,
): Promise<Refusal | undefined> => {
  const name = reversed(client);
  const found = await Promise.all(
    lists.map(async (list) => {
      const answer = await resolve(`${name}.${list.zone}`, 'A');
      return answer.kind === 'found' && answer.values.some(isEntry) ? [list] : [];
    }),
  );
  const entries = found.flat();
  const sum = entries.reduce((total, { weight }) => total + weight, 0);
  if (sum < refuseFrom) return undefined;
  const bad = entries.filter(({ weight }) => weight > 0).map(({ zone }) => zone);
  return refuse(
    { code: '554', enhanced: '5.7.1', text: `Your address ${client} is listed by ${bad.join(', ')}` },
    entries.map(({ zone, weight }) => term(zone, client, weight, refuseFrom)),
  );
};

export const createOriginCheck = (settings: OriginSettings): OriginCheck => {
  const resolve = createLookups(createResolver(settings.servers), settings.perMinuteMax);
  return async (client, sender) => {
    const listed = settings.lists.length === 0 ? undefined : await checkLists(resolve, settings, client);
    return listed ?? (settings.checksSender ? checkSender(resolve, sender) : undefined);
  };
};
