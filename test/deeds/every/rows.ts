/** Every deed on every real thing it knows. */
import { eximRows, postfixRows, sendmailRows } from './access.ts';
import { firewallRows } from './firewall.ts';
import type { Row } from './row.ts';

export const rows: readonly Row[] = [...firewallRows, ...postfixRows, ...sendmailRows, ...eximRows];
