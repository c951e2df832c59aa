/**
 * The little language of `--where`: `account = "nicole" and age < 2h`, `client = 203.0.113.0/24`, `not held`,
 * `reason ~ "refused" or (bounce and size > 1M)`. Read once into closures; nothing is ever evaluated as code.
 */
import { Fault } from '../fault.ts';
import { nearest } from '../nearest.ts';
import { comparisonOf, fieldNames, flagCondition, operators } from './fields.ts';
import type { Condition } from './fields.ts';

const textLengthMax = 4000;
const depthMax = 50;

type Token = { readonly kind: 'word' | 'text' | 'operator' | 'end'; readonly value: string; readonly at: number };

const wrong = (text: string, at: number, why: string): Fault =>
  new Fault('USAGE', `--where: ${why}\n  ${text}\n  ${' '.repeat(at)}^`);

const operatorAt = /!=|<=|>=|[=<>~()]/y;
const wordAt = /[^\s=<>~()!"']+/y;

const tokenAt = (text: string, at: number): Token => {
  const first = text[at] ?? '';
  if (first === '"' || first === "'") {
    const end = text.indexOf(first, at + 1);
    if (end < 0) throw wrong(text, at, 'this quote is not closed');
    return { kind: 'text', value: text.slice(at + 1, end), at };
  }
  const isOperator = '=<>~()!'.includes(first);
  const pattern = isOperator ? operatorAt : wordAt;
  pattern.lastIndex = at;
  const value = pattern.exec(text)?.[0];
  if (value === undefined) throw wrong(text, at, `${first} alone means nothing (did you mean != or not?)`);
  return { kind: isOperator ? 'operator' : 'word', value, at };
};

const tokensOf = (text: string): readonly Token[] => {
  if (text.length > textLengthMax) throw new Fault('USAGE', `--where: longer than ${textLengthMax} characters`);
  const tokens: Token[] = [];
  for (let at = 0; at < text.length;) {
    if (/\s/.test(text[at] ?? '')) {
      at++;
      continue;
    }
    const token = tokenAt(text, at);
    tokens.push(token);
    at += token.value.length + (token.kind === 'text' ? 2 : 0);
  }
  return tokens;
};

type Reader = {
  readonly peek: () => Token;
  readonly take: () => Token;
  /** Takes the word when it is next. */
  readonly skip: (word: string) => boolean;
  readonly fail: (token: Token, why: string) => Fault;
};

const readerOf = (text: string): Reader => {
  const tokens = tokensOf(text);
  let next = 0;
  const peek = (): Token => tokens[next] ?? { kind: 'end', value: '', at: text.length };
  return {
    peek,
    take: () => {
      const token = peek();
      next++;
      return token;
    },
    skip: (word) => {
      const token = peek();
      const isIt = token.kind !== 'text' && token.value.toLowerCase() === word;
      if (isIt) next++;
      return isIt;
    },
    fail: (token, why) => wrong(text, token.at, why),
  };
};

const comparison = (reader: Reader, field: Token): Condition => {
  const sign = reader.take();
  const operator = operators.find((each) => sign.kind === 'operator' && each === sign.value);
  if (operator === undefined) throw reader.fail(sign, `after ${field.value} comes one of ${operators.join(' ')}`);
  const value = reader.take();
  if (value.kind !== 'word' && value.kind !== 'text') throw reader.fail(value, 'a value is missing here');
  const compared = comparisonOf(field.value, operator, value.value);
  if ('condition' in compared) return compared.condition;
  throw reader.fail(compared.wrong === 'operator' ? sign : value, compared.why);
};

const term = (reader: Reader, depth: number): Condition => {
  if (depth > depthMax) throw reader.fail(reader.peek(), `nested deeper than ${depthMax}`);
  if (reader.skip('(')) {
    const inside = either(reader, depth + 1);
    if (!reader.skip(')')) throw reader.fail(reader.peek(), 'a ) is missing here');
    return inside;
  }
  if (reader.skip('not')) {
    const inside = term(reader, depth + 1);
    return (message, now) => !inside(message, now);
  }
  const field = reader.take();
  if (field.kind !== 'word') throw reader.fail(field, 'a field is expected here');
  const name = field.value;
  if (!fieldNames.includes(name)) {
    const guess = nearest(name, fieldNames);
    const help = guess === undefined ? `expected ${fieldNames.join(', ')}` : `did you mean ${guess}?`;
    throw reader.fail(field, `there is no field ${name}: ${help}`);
  }
  return flagCondition(name) ?? comparison(reader, field);
};

const both = (reader: Reader, depth: number): Condition => {
  const terms = [term(reader, depth)];
  while (reader.skip('and')) terms.push(term(reader, depth));
  return (message, now) => terms.every((each) => each(message, now));
};

const either = (reader: Reader, depth: number): Condition => {
  const terms = [both(reader, depth)];
  while (reader.skip('or')) terms.push(both(reader, depth));
  return (message, now) => terms.some((each) => each(message, now));
};

/** @throws Fault USAGE that points at the place */
export const readCondition = (text: string): Condition => {
  const reader = readerOf(text);
  const condition = either(reader, 0);
  if (reader.peek().kind !== 'end') throw reader.fail(reader.peek(), 'expected and, or, or the end');
  return condition;
};
