/** Every deed that a receipt may stand for, by kind. A new one is a file beside this one and a row here. */
import type { ActionKind } from '../model/receipt.ts';
import { accountLock } from './account-lock.ts';
import type { Deed } from './act.ts';
import { accessEntry } from './access-entry.ts';
import { catchAllLock } from './catchall-lock.ts';
import { allowance, firewallBlock } from './firewall.ts';
import { forwardOff } from './forward-off.ts';
import { loginShut } from './login-shut.ts';
import { queueHold } from './queue-hold.ts';
import { queuePurge } from './queue-purge.ts';
import { setup } from './setup.ts';
import { strictAnswers } from './strict-answers.ts';

const list: readonly Deed[] = [
  firewallBlock,
  allowance,
  accessEntry,
  loginShut,
  accountLock,
  forwardOff,
  catchAllLock,
  queueHold,
  queuePurge,
  setup,
  strictAnswers,
];

export const allDeeds: ReadonlyMap<ActionKind, Deed> = new Map(list.map((deed) => [deed.kind, deed]));
