/** Whom a block would hit besides: what the guard learned of good mail and logins from there. Reads the saved snapshot. */
import { networkOf } from '../../model/address.ts';
import { firewallSubject } from '../../model/firewall.ts';
import { tags } from '../../judge/detectors/tags.ts';
import { readRatio } from '../../judge/statistics/ratio-test.ts';
import { keptTable } from './kept-table.ts';

/** A note for people; empty when the guard has learned nothing here yet. */
export const blastRadius = async (state: string, text: string): Promise<readonly string[]> => {
  const table = await keptTable(state);
  const subject = firewallSubject(text);
  if (table === undefined || subject === undefined) return [];
  const seconds = Math.floor(Date.now() / 1000);
  const address = subject.split('/')[0] ?? subject;
  const own = readRatio(table, tags.harvest, subject, seconds);
  const around = networkOf(address);
  const mail = readRatio(table, tags.harvestNetwork, around, seconds).good;
  const logins = readRatio(table, tags.guessingNetwork, around, seconds).good;
  const established = own.established ? '; it is an established sender' : '';
  return [
    `blast radius: ${subject} ${own.good === 0 ? 'never reached' : `reached ${own.good}`} good recipients here${established}; its network ${around} ${mail} good recipients and ${logins} good logins`,
  ];
};
