/** CrowdSec: `cscli decisions list -o json`, and whitelists (YAML: `ip:` and `cidr:` with a list below each). */
import { nothing, sorted } from './imported.ts';
import type { Denied, Imported } from './imported.ts';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Alerts with their decisions, or decisions alone. */
const decisionsIn = (document: unknown): Readonly<Record<string, unknown>>[] =>
  (Array.isArray(document) ? document : []).filter(isObject).flatMap((item) => {
    const inner = item['decisions'];
    return Array.isArray(inner) ? inner.filter(isObject) : [item];
  });

const units = new Map([
  ['h', 3600],
  ['m', 60],
  ['s', 1],
]);

/** Go's form: `3h59m12.5s`. */
const secondsIn = (text: string): number =>
  [...text.matchAll(/(\d+(?:\.\d+)?)(h|m|s)/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (units.get(unit) ?? 0),
    0,
  );

/** @param now milliseconds since 1970: a decision tells how long it still lasts */
export const readDecisions = (text: string, now: number): Imported => {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { ...nothing, skipped: ['this is not what `cscli decisions list -o json` prints'] };
  }
  const deny: Denied[] = [];
  const skipped: string[] = [];
  for (const { value, duration, type } of decisionsIn(document)) {
    const network = String(value);
    if (sorted([network]).networks.length === 0) skipped.push(`${network.slice(0, 100)}: not an address or network`);
    else if (type !== 'ban') skipped.push(`${network}: ${String(type).slice(0, 40)} is no ban`);
    else deny.push({ network, until: now + secondsIn(String(duration)) * 1000 });
  }
  return { ...nothing, deny: deny.filter(({ until }) => (until ?? 0) > now), skipped };
};

export const readWhitelist = (text: string): Imported => {
  const items = text
    .split('\n')
    .flatMap((line) => /^\s*-\s*["']?([0-9A-Fa-f.:/]+)["']?\s*(?:#.*)?$/.exec(line)?.[1] ?? []);
  return { ...nothing, allow: sorted(items).networks };
};
