/** Wanted against actual: what is in force by the ledger and is not there any more is done again (a flushed firewall, a reboot). */
import { errorWords } from '../model/fault.ts';
import type { Desk } from './desk.ts';

/** @returns what was missing and is there again, in words; empty when nothing was */
export const repair = (desk: Desk): Promise<readonly string[]> =>
  desk.alone(async () => {
    const told: string[] = [];
    for (const [kind, { atOnce, repairs }] of desk.deeds) {
      const wanted =
        atOnce === undefined || repairs !== true
          ? []
          : desk.receipts.inForce(kind).filter(({ until }) => (until ?? Infinity) > desk.now());
      if (atOnce === undefined || wanted.length === 0) continue;
      try {
        const proofs = await atOnce.verify(
          wanted.map(({ memory }) => memory),
          desk.carryOut,
        );
        const missing = wanted.filter((_, at) => proofs[at]?.took !== true);
        if (missing.length === 0) continue;
        await atOnce.carry(
          missing.map(({ memory }) => memory),
          desk.carryOut,
        );
        const [first] = missing;
        told.push(
          `${kind}: ${missing.length} of ${wanted.length} had been taken away by somebody else (${first?.subject ?? ''}, …); they are there again`,
        );
      } catch (error) {
        told.push(`${kind}: what is in force cannot be checked (${errorWords(error)})`);
      }
    }
    return told;
  });
