/** Which provocations each mail server is played. */
import { accountProvocations } from './accounts.ts';
import { deliveryProvocations } from './deliveries.ts';
import { dialogueProvocations } from './dialogues.ts';
import { postfixProvocations } from './postfix.ts';
import type { MailServerName, Provocation } from './provocation.ts';
import { recipientProvocations } from './recipients.ts';

const anyServer = [...recipientProvocations, ...accountProvocations, ...dialogueProvocations, ...deliveryProvocations];

export const provocationsOf: Readonly<Record<MailServerName, readonly Provocation[]>> = {
  postfix: [...anyServer, ...postfixProvocations],
  exim: anyServer,
  sendmail: anyServer,
};
