/** What a client's address belongs to, worked out once for the clients that are busy now. */
import { ipv4NumberOf, networkOf, prefixOf } from '../model/address.ts';

export type Place = { readonly client: string; readonly prefix: string; readonly network: string };

/** IPv4 places stand where their number puts them: a newcomer takes the place of another. */
const slotBits = 13;
const othersMax = 4096;

/** The client's text is no piece of a log's (`canonicalAddress`), so it may be kept. */
const placeFor = (client: string): Place => ({ client, prefix: prefixOf(client), network: networkOf(client) });

export const createPlaces = (): ((client: string) => Place) => {
  const places: (Place | undefined)[] = Array.from({ length: 2 ** slotBits }, () => undefined);
  let others = new Map<string, Place>();

  const otherPlace = (client: string): Place => {
    const known = others.get(client);
    if (known !== undefined) return known;
    if (others.size >= othersMax) others = new Map();
    const place = placeFor(client);
    others.set(place.client, place);
    return place;
  };

  return (client) => {
    const number = ipv4NumberOf(client);
    if (number < 0) return otherPlace(client);
    const slot = Math.imul(number, 0x9e3779b1) >>> (32 - slotBits);
    const known = places[slot];
    if (known?.client === client) return known;
    const place = placeFor(client);
    places[slot] = place;
    return place;
  };
};
