/** Recipients that exist here and get mail, as the logs and hooks tell of them: quota-status can only be asked by name. */
import type { Event } from '../../model/event.ts';

const recipientsMax = 10_000;
const keepMs = 24 * 3_600_000;
const addressLengthMax = 320;

/** Who was taken in here, now or before; a delivery to another host is none of ours. */
const namesMailbox = ({ kind, outcome, remote }: Event): boolean =>
  kind === 'recipient'
    ? outcome === 'accepted' || outcome === 'over-quota'
    : kind === 'delivery' && remote === false && outcome !== 'expired';

export type Recipients = {
  /** @returns true when it was not known */
  readonly meet: (event: Event) => boolean;
  /** Those not asked about yet, once. */
  readonly takeNew: () => readonly string[];
  /** Last met first: where there is no time for all, those in use are asked about. */
  readonly inUse: (now: number) => readonly string[];
};

export const createRecipients = (): Recipients => {
  const metAt = new Map<string, number>();
  let fresh = new Set<string>();
  return {
    meet: (event) => {
      if (!namesMailbox(event) || event.recipient === undefined) return false;
      const address = event.recipient.toLowerCase();
      if (!address.includes('@') || address.length > addressLengthMax) return false;
      const isNew = !metAt.delete(address);
      metAt.set(address, event.time);
      if (metAt.size > recipientsMax) metAt.delete(metAt.keys().next().value ?? '');
      if (isNew && fresh.size < recipientsMax) fresh.add(address);
      return isNew;
    },
    takeNew: () => {
      const taken = [...fresh];
      fresh = new Set();
      return taken;
    },
    inUse: (now) => {
      for (const [address, at] of metAt) if (now - at > keepMs) metAt.delete(address);
      return [...metAt.keys()].toReversed();
    },
  };
};
