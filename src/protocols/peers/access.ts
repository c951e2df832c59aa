/** A postmaster's own access map (Postfix access(5), Sendmail's `Connect:`): OK and RELAY let through, REJECT shuts out. */
import { nothing } from './imported.ts';
import type { Denied, Imported } from './imported.ts';
import { isAddressOrNetwork } from '../../model/address-set.ts';

/** `203.0.113` means 203.0.113.0/24 in these maps. */
const networkOf = (key: string): string | undefined => {
  const bare = key.replace(/^Connect:/i, '').replace(/^IPv6:/i, '');
  if (isAddressOrNetwork(bare)) return bare;
  const octets = bare.replace(/\.$/, '').split('.');
  const isPrefix = octets.length < 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) < 256);
  return isPrefix ? `${[...octets, '0', '0', '0'].slice(0, 4).join('.')}/${8 * octets.length}` : undefined;
};

export const readAccessMap = (text: string): Imported => {
  const allow: string[] = [];
  const deny: Denied[] = [];
  const skipped: string[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#') || line.startsWith(' ') || line.startsWith('\t')) continue;
    const [key = '', action = ''] = line.split(/[ \t]+/, 2);
    const network = networkOf(key);
    if (network === undefined) skipped.push(`${line.slice(0, 200)}: not about an address`);
    else if (/^(OK|RELAY|PERMIT|DUNNO)/i.test(action)) allow.push(network);
    else if (/^(REJECT|DISCARD|ERROR|5\d\d|550)/i.test(action)) deny.push({ network, until: undefined });
    else skipped.push(`${line.slice(0, 200)}: neither OK nor REJECT`);
  }
  return { ...nothing, allow, deny, skipped };
};
