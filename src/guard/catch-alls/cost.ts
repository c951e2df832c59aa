/** What catch-alls have cost lately: what was delivered at each domain to names that its map does not list. */
import type { Event } from '../../model/event.ts';

type Cost = {
  messages: number;
  /** Different names; from `namesMax` on no more are told apart. */
  readonly names: Set<string>;
  bounces: number;
};

export const namesMax = 10_000;

export type Costs = {
  readonly tell: (event: Event) => void;
  /** By domain. */
  readonly of: (domain: string) => Cost | undefined;
};

/** @param listed whether the domain's own map names this address, both lower case */
export const createCosts = (
  domains: ReadonlySet<string>,
  since: number,
  listed: (domain: string, address: string) => boolean,
): Costs => {
  const costs = new Map<string, Cost>();
  const tell = (event: Event): void => {
    if (event.kind !== 'delivery' || event.outcome !== 'sent' || event.time < since) return;
    const address = (event.origin ?? event.recipient ?? '').toLowerCase();
    const domain = address.slice(address.lastIndexOf('@') + 1);
    if (!domains.has(domain) || listed(domain, address)) return;
    let cost = costs.get(domain);
    if (cost === undefined) costs.set(domain, (cost = { messages: 0, names: new Set(), bounces: 0 }));
    cost.messages++;
    if (event.sender === '') cost.bounces++;
    if (cost.names.size < namesMax) cost.names.add(address);
  };
  return { tell, of: (domain) => costs.get(domain) };
};
