/** What a client's address belongs to, worked out once for the clients that are busy now. */
import { networkOf, prefixOf } from '../model/address.ts';
import { keep } from '../model/keep.ts';

export type Place = { readonly prefix: string; readonly network: string };

const placesMax = 8192;

export const createPlaces = (): ((client: string) => Place) => {
  let places = new Map<string, Place>();
  return (client) => {
    const known = places.get(client);
    if (known !== undefined) return known;
    if (places.size >= placesMax) places = new Map();
    const kept = keep(client);
    const place = { prefix: prefixOf(kept), network: networkOf(kept) };
    places.set(kept, place);
    return place;
  };
};
