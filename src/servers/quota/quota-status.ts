/**
 * Dovecot's quota-status (`quota-status -p postfix`; Dovecot's quota documentation) as its client: a policy request with a
 * recipient and a size, answered with what `quota_status_*` say. It tells yes or no, so room is found by asking for sizes.
 */

/** From the smallest message to the largest that servers take. */
export const askedSizes: readonly number[] = [
  1, 10_000, 100_000, 1_000_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000,
];

/** `552 5.2.2 …`: full. Everything else, an unknown user too, says nothing of a quota. */
export const saysFull = (action: string): boolean => /^[45]\d\d [45]\.2\.[23]( |$)/.test(action);

/**
 * What to ask next, between the largest size that is known to go in and the smallest that is known not to.
 * @param fits index into `askedSizes`, -1: none yet
 * @param over index, `askedSizes.length`: none yet
 * @returns undefined when no size is left between them
 */
export const nextSize = (fits: number, over: number): number | undefined => {
  if (over - fits <= 1) return undefined;
  // Most mailboxes have room for anything: one question then.
  return over === askedSizes.length ? over - 1 : (fits + over) >> 1;
};
