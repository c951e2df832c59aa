/** Whom a block would hit besides: what the guard learned of good mail and logins from there. Reads the saved snapshot. */
import { networkOf, prefixOf } from '../../model/address.ts';
import { firewallSubject } from '../../model/firewall.ts';
import { tags } from '../../judge/detectors/tags.ts';
import { readRatio } from '../../judge/statistics/ratio-test.ts';
import { keptTable } from './kept-table.ts';

/** The guard keeps what it learned of networks of these sizes, and of clients. */
const keptLength = { v4: 24, v6: 48 } as const;
const clientLength = { v4: 32, v6: 64 } as const;
/** A /16, the widest that may be blocked. */
const networksMax = 256;

/** Those that lie in it, or hold it; undefined: too many to add up. */
const networksOf = (address: string, length: number): readonly string[] | undefined => {
  const isV6 = address.includes(':');
  const count = 2 ** Math.max(0, (isV6 ? keptLength.v6 : keptLength.v4) - length);
  if (count === 1) return [networkOf(address)];
  if (isV6 || count > networksMax) return undefined;
  const [a = 0, b = 0, c = 0] = address.split('.').map(Number);
  return Array.from({ length: count }, (_, at) => `${a}.${b}.${c + at}.0/24`);
};

/** A note for people; empty when the guard has learned nothing here yet. */
export const blastRadius = async (state: string, text: string): Promise<readonly string[]> => {
  const table = await keptTable(state);
  const subject = firewallSubject(text);
  if (table === undefined || subject === undefined) return [];
  const seconds = Math.floor(Date.now() / 1000);
  const [address = subject, length = 128] = subject.split('/');
  const networks = networksOf(address, Number(length));
  if (networks === undefined) return [`blast radius: not known of a network as wide as ${subject}`];
  const goodOf = (tag: number): number =>
    networks.reduce((sum, network) => sum + readRatio(table, tag, network, seconds).good, 0);
  const around = `${goodOf(tags.harvestNetwork)} good recipients and ${goodOf(tags.guessingNetwork)} good logins`;
  const note = `blast radius: ${around} are known from ${networks.length > 1 ? subject : (networks[0] ?? '')}`;
  if (Number(length) < clientLength[address.includes(':') ? 'v6' : 'v4']) return [note];
  const own = readRatio(table, tags.harvest, prefixOf(address), seconds);
  return [`${note}, ${own.good} good recipients from ${subject}${own.established ? ', an established sender' : ''}`];
};
