/** An outsider asks a server for recipients: how each is answered, and how fast. */
import { meaningOf, openSmtp, wordsOf } from './smtp.ts';
import type { Meaning, Step } from './smtp.ts';
import type { SmtpTarget } from './stages.ts';

export type Onlooker = {
  readonly target: SmtpTarget;
  /** What the session calls itself: a marked name where a guard is to let it pass. */
  readonly helo: string;
  /** Why the server may trust the address that this comes from; undefined: it does not. */
  readonly trustedBecause: string | undefined;
};

/** Servers limit connections, errors and refused recipients of a client, so that a session is short but not for one question. */
export const namesPerSession = 8;

export type Tried = { readonly meaning: Meaning; readonly words: string; readonly ms: number };

export const notAsked = (steps: readonly Step[]): Tried => ({
  meaning: 'put-off',
  words: `no recipient was asked for: ${wordsOf(steps.at(-1)?.answer ?? { code: 0, lines: [] })}`,
  ms: 0,
});

/** How each recipient was answered; `put-off` also when the session did not get that far. */
export const tryRecipients = async (
  { target, helo }: Onlooker,
  sender: string,
  recipients: readonly string[],
): Promise<readonly Tried[]> => {
  const smtp = await openSmtp(target);
  try {
    for (const line of [`EHLO ${helo}`, `MAIL FROM:<${sender}>`])
      if (smtp.steps.every(({ answer }) => meaningOf(answer) === 'granted')) await smtp.say(line);
    const isOpen = smtp.steps.length === 3 && smtp.steps.every(({ answer }) => meaningOf(answer) === 'granted');
    const tried: Tried[] = [];
    for (const recipient of recipients) {
      if (!isOpen || smtp.isOver()) {
        tried.push(notAsked(smtp.steps));
        continue;
      }
      const before = performance.now();
      const answer = await smtp.say(`RCPT TO:<${recipient}>`);
      tried.push({ meaning: meaningOf(answer), words: wordsOf(answer), ms: performance.now() - before });
    }
    return tried;
  } finally {
    smtp.end();
  }
};

/** A local part that nobody has. */
export const unknownName = (): string => `postern-no-such-name-${Math.floor(Math.random() * 1e9)}`;
