/** What may be asked of a queued message (`--where`), and how a field compares with a value. */
import { createAddressSet, isAddressOrNetwork } from '../address-set.ts';
import { domainOf } from '../address.ts';
import { isForged, isHeldInQueue, reasonOf, relayHostOf } from './message.ts';
import type { QueuedMessage } from './message.ts';

/** @param now milliseconds since 1970 */
export type Condition = (message: QueuedMessage, now: number) => boolean;
export const operators = ['=', '!=', '<', '<=', '>', '>=', '~'] as const;
export type Operator = (typeof operators)[number];

/** A test, or why there is none. */
type Comparison = { readonly condition: Condition } | { readonly wrong: 'operator' | 'value'; readonly why: string };

const single = (value: string | undefined): readonly string[] => (value === undefined ? [] : [value]);

/** A field with several texts (recipients) holds when one of them does. */
const texts = new Map<string, (message: QueuedMessage) => readonly string[]>([
  ['account', ({ account }) => single(account)],
  ['sender', ({ sender }) => [sender]],
  ['sender-domain', ({ sender }) => [domainOf(sender)]],
  ['recipient', ({ recipients }) => recipients.map(({ address }) => address)],
  ['domain', ({ recipients }) => recipients.map(({ address }) => domainOf(address))],
  ['user', ({ user }) => single(user)],
  ['script', ({ script }) => single(script)],
  ['helo', ({ helo }) => single(helo)],
  ['subject', ({ subject }) => single(subject)],
  ['reason', (message) => single(reasonOf(message))],
  ['queue', ({ queue }) => [queue]],
  ['server', ({ server }) => [server]],
  ['id', ({ id }) => [id]],
]);
const addresses = new Map<string, (message: QueuedMessage) => string | undefined>([
  ['client', ({ client }) => client],
  ['relay', relayHostOf],
]);
const numbers = new Map<string, (message: QueuedMessage, now: number) => number | undefined>([
  ['age', ({ arrived }, now) => (now - arrived) / 1000],
  ['size', ({ sizeBytes }) => sizeBytes],
  ['recipients', ({ recipientCount }) => recipientCount],
  ['uid', ({ uid }) => uid],
]);
const flags = new Map<string, (message: QueuedMessage) => boolean>([
  ['held', isHeldInQueue],
  ['forged', isForged],
  ['bounce', ({ sender }) => sender === ''],
]);
export const fieldNames: readonly string[] = [...texts.keys(), ...addresses.keys(), ...numbers.keys(), ...flags.keys()];

export const flagCondition = (name: string): Condition | undefined => flags.get(name);

const compare: ReadonlyMap<Operator, (a: number, b: number) => boolean> = new Map([
  ['=', (a: number, b: number) => a === b],
  ['!=', (a: number, b: number) => a !== b],
  ['<', (a: number, b: number) => a < b],
  ['<=', (a: number, b: number) => a <= b],
  ['>', (a: number, b: number) => a > b],
  ['>=', (a: number, b: number) => a >= b],
]);

type Scale = { readonly units: ReadonlyMap<string, number>; readonly form: string };
const plainNumber: Scale = { units: new Map([['', 1]]), form: 'a whole number' };
const scales: ReadonlyMap<string, Scale> = new Map([
  [
    'age',
    {
      units: new Map([
        ['s', 1],
        ['m', 60],
        ['h', 3600],
        ['d', 86_400],
        ['w', 604_800],
      ]),
      form: 'an age such as 30m, 2h or 3d',
    },
  ],
  [
    'size',
    {
      units: new Map([
        ['', 1],
        ['k', 1024],
        ['M', 1024 ** 2],
        ['G', 1024 ** 3],
      ]),
      form: 'a size such as 900, 10k or 1M',
    },
  ],
]);

const compareNumber = (field: string, operator: Operator, value: string): Comparison => {
  const read = numbers.get(field);
  const { units, form } = scales.get(field) ?? plainNumber;
  const [, digits, unit = ''] = /^(\d{1,12})([A-Za-z]?)$/.exec(value) ?? [];
  const factor = units.get(unit);
  const holds = compare.get(operator);
  if (holds === undefined) return { wrong: 'operator', why: `${field} takes = != < <= > >=` };
  if (digits === undefined || factor === undefined) return { wrong: 'value', why: `expected ${form}` };
  const limit = Number(digits) * factor;
  return {
    condition: (message, now) => {
      const has = read?.(message, now);
      return has !== undefined && holds(has, limit);
    },
  };
};

const compareAddress = (field: string, operator: Operator, value: string): Comparison => {
  const read = addresses.get(field);
  if (operator !== '=' && operator !== '!=')
    return { wrong: 'operator', why: `${field} takes = or != and an address or network` };
  if (value !== '' && !isAddressOrNetwork(value))
    return { wrong: 'value', why: 'expected an address or a network such as 203.0.113.0/24' };
  const set = createAddressSet([value]);
  const isIt = (client: string | undefined): boolean =>
    value === '' ? client === undefined : client !== undefined && set.has(client);
  return { condition: (message) => isIt(read?.(message)) === (operator === '=') };
};

const compareText = (field: string, operator: Operator, value: string): Comparison => {
  const read = texts.get(field);
  if (operator !== '=' && operator !== '!=' && operator !== '~')
    return { wrong: 'operator', why: `${field} takes =, != or ~ (contains)` };
  // The command line is UTF-8, a queue file is bytes.
  const wanted = Buffer.from(value, 'utf8').toString('latin1').toLowerCase();
  const holds = (text: string): boolean =>
    operator === '~' ? text.toLowerCase().includes(wanted) : text.toLowerCase() === wanted;
  const isIt = (values: readonly string[]): boolean => (values.length === 0 ? wanted === '' : values.some(holds));
  return { condition: (message) => isIt(read?.(message) ?? []) !== (operator === '!=') };
};

/** A field that is not there is the empty text: `account = ""`. A number that is not there fits nothing. */
export const comparisonOf = (field: string, operator: Operator, value: string): Comparison => {
  if (numbers.has(field)) return compareNumber(field, operator, value);
  return addresses.has(field) ? compareAddress(field, operator, value) : compareText(field, operator, value);
};
