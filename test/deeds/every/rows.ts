/** Every deed on every real thing it knows. */
import { eximRows, postfixRows, sendmailRows } from './access.ts';
import { accountRows } from './accounts.ts';
import { aliasRows } from './aliases.ts';
import { firewallRows } from './firewall.ts';
import { queueRows } from './queues.ts';
import type { Row } from './row.ts';
import { setupRows } from './setups.ts';

export const rows: readonly Row[] = [
  ...firewallRows,
  ...postfixRows,
  ...sendmailRows,
  ...eximRows,
  ...accountRows,
  ...aliasRows,
  ...queueRows,
  ...setupRows,
];
