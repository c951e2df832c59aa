/**
 * Hooks ask, and tell what the server did; that we put a client off ourselves stands in the server's log. Where no log speaks
 * it is told here, or nobody who comes back after a while in a campaign would be known again.
 */
import { draftEvent } from '../model/event.ts';
import type { Ask, Tell } from '../model/ports.ts';

export const tellPutOffs =
  (ask: Ask, tell: Tell): Ask =>
  (question) => {
    const verdict = ask(question);
    const { stage } = question;
    if (verdict.kind === 'defer' && (stage === 'recipient' || stage === 'sender')) {
      const { time, server, client, helo, account, sender, recipient } = question;
      const fields = { client, helo, account, sender, recipient, text: verdict.reply.text } as const;
      tell(Object.assign(draftEvent(time, server, stage), fields, { outcome: 'deferred', reason: 'policy' } as const));
    }
    return verdict;
  };
