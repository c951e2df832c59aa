/**
 * A recipient is not always a mailbox: what is known of mailboxes, said for the aliases before them. A list of several is
 * full only when all of them are; where one of them is not known, or is elsewhere, there is room.
 */
export type Aliases = ReadonlyMap<string, readonly string[]>;

const depthMax = 10;

const addressIn = (target: string): string =>
  target
    .replace(/^\\/, '')
    .replace(/^<(.*)>$/, '$1')
    .toLowerCase();

/**
 * @param full what is known of mailboxes, by address in lower case
 * @param larger the one of two that takes the larger message
 * @returns the same for every recipient that it holds for
 */
export const behindAliases = <R>(
  full: ReadonlyMap<string, R>,
  aliases: Aliases,
  larger: (one: R, other: R) => R,
): ReadonlyMap<string, R> => {
  const roomOf = (address: string, depth: number): R | undefined => {
    const targets = aliases.get(address);
    if (targets === undefined) return full.get(address);
    if (depth >= depthMax || targets.length === 0) return undefined;
    let all: R | undefined;
    for (const target of targets) {
      const next = addressIn(target);
      const room = next === address ? full.get(address) : roomOf(next, depth + 1);
      if (room === undefined) return undefined;
      all = all === undefined ? room : larger(all, room);
    }
    return all;
  };
  const said = new Map(full);
  for (const address of aliases.keys()) {
    const room = roomOf(address, 0);
    if (room === undefined) said.delete(address);
    else said.set(address, room);
  }
  return said;
};
