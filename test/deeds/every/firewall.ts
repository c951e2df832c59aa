/** Blocks and allowances in a real kernel, beside a table of somebody else. */
import { allowance, firewallBlock } from '../../../src/act/firewall.ts';
import { runCommand } from '../../servers/lab/daemon.ts';
import { row } from './row.ts';
import type { Stage } from './row.ts';

const foreign = 'table inet somebody {\n  set theirs { type ipv4_addr; elements = { 203.0.113.99 } }\n}\n';
const hourMs = 3600_000;

const ruleset = (): Promise<string> => runCommand('nft', ['list', 'ruleset']);
/** What is in our sets, and all of the other table; our empty table stays after an undo. */
const kept = async (): Promise<unknown> => {
  const tables = (await ruleset()).split(/^(?=table )/m);
  return tables.flatMap((table) =>
    table.startsWith('table inet postern')
      ? [...table.matchAll(/elements = \{([^}]*)\}/g)].map(([, list]) => list)
      : [table],
  );
};

const start = (element: string) => async (): Promise<Stage> => {
  await runCommand('nft', ['-f', '-'], foreign);
  return {
    kept,
    counts: async () => (await ruleset()).includes(element),
    [Symbol.asyncDispose]: async () => void (await runCommand('nft', ['flush', 'ruleset'])),
  };
};

const subjects = [
  { act: firewallBlock, name: 'blocked address', subject: '203.0.113.70', element: '203.0.113.70 timeout' },
  { act: firewallBlock, name: 'blocked network', subject: '198.51.100.0/24', element: '198.51.100.0 timeout' },
  { act: allowance, name: 'customer let through', subject: '2001:db8:7:7::1', element: '2001:db8:7:7:: timeout' },
] as const;

export const firewallRows = subjects.map(({ act, name, subject, element }) =>
  row('nftables', {
    name,
    act,
    wanted: () => ({ subject, until: Date.now() + 2 * hourMs }),
    start: start(element),
  }),
);
