/** What is done about a forward: which files have it, and the end of a loop. */
import { forwardOff } from '../../act/forward-off.ts';
import type { ForwardWanted } from '../../act/forward-off.ts';
import { performAll } from '../../act/perform.ts';
import { Fault } from '../../model/fault.ts';
import type { Incident } from '../../model/report.ts';
import { findAliases } from '../../sense/aliases/find.ts';
import { isOutside, readAliases } from '../../servers/aliases/alias-file.ts';
import { plain } from '../../show/text/plain.ts';
import type { OpenDesk } from '../desk.ts';

/** In every file that has it: a host may have two servers, or a server two maps. */
export const forwardsNamed = async (address: string): Promise<readonly ForwardWanted[]> => {
  const { files, localDomains } = await findAliases();
  const local = new Set(localDomains);
  const found = files.filter(({ text, format }) =>
    readAliases(text, format).some(
      ({ key, targets }) =>
        key.toLowerCase() === address.toLowerCase() && targets.some((each) => isOutside(each, local)),
    ),
  );
  if (found.length === 0)
    throw new Fault('USAGE', `no alias file here lets ${plain(address)} send mail to other servers (postern forwards)`);
  return found.map(({ path, format, refresh }) => ({ key: address, path, format, refresh, localDomains }));
};

/** The address here whose mail goes round, when that is what the incident is about. */
export const loopIn = ({ counts, targets }: Incident): string | undefined =>
  (counts['loopReturns'] ?? 0) > 0 ? targets[0]?.value : undefined;

/** Switches off what goes round: nobody gets that mail anyway. @returns what to say about it; undefined: it is off already */
export const breakLoop = async (
  address: string,
  { id, why }: Incident,
  desk: OpenDesk,
): Promise<string | undefined> => {
  if (desk.receipts.inForce('forward-off', address).length > 0) return undefined;
  const wanted = await forwardsNamed(address);
  await performAll(forwardOff, wanted, { who: 'guard', why, until: undefined, incident: id }, desk);
  return `${address} is switched off: ${why}. On again, when the other side is mended: postern forwards on ${address}`;
};
