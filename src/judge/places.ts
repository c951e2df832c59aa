/** What a client's address belongs to, worked out once for the clients that are busy now. */
import { networkOf, prefixOf } from '../model/address.ts';

export type Place = { readonly client: string; readonly prefix: string; readonly network: string };

/** A place stands where the end of its address puts it: a newcomer takes the place of another. */
const slotBits = 13;
const charsHashed = 6;

/** The client's text is no piece of a log's (`canonicalAddress`), so it may be kept. */
const placeFor = (client: string): Place => ({ client, prefix: prefixOf(client), network: networkOf(client) });

const slotOf = (client: string): number => {
  let hash = client.length;
  for (let at = Math.max(0, hash - charsHashed); at < client.length; at++)
    hash = Math.imul(hash, 31) + client.charCodeAt(at);
  return Math.imul(hash, 0x9e3779b1) >>> (32 - slotBits);
};

export const createPlaces = (): ((client: string) => Place) => {
  const places: (Place | undefined)[] = Array.from({ length: 2 ** slotBits }, () => undefined);
  return (client) => {
    const slot = slotOf(client);
    const known = places[slot];
    if (known?.client === client) return known;
    const place = placeFor(client);
    places[slot] = place;
    return place;
  };
};
