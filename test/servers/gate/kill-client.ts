/** A client with a queue: it tries again until it is told 250, whatever is cut meanwhile, and gives up at a 5xx alone. */
import assert from 'node:assert/strict';
import { dialSmtp } from '../lab/dialogue.ts';
import type { SmtpDialogue } from '../lab/dialogue.ts';

const attemptsMax = 3;

/**
 * In the order of a session; the cut comes when a step is done. At `body` half of the message is under way, at `dot` all of it
 * but it is not taken yet, at `taken` the server behind has it and nobody was told.
 */
const steps = [
  'connect',
  'EHLO',
  'STARTTLS',
  'AUTH',
  'MAIL',
  'RCPT',
  'DATA',
  'body',
  'dot',
  'taken',
  'told',
  'QUIT',
] as const;
export type Step = (typeof steps)[number];

/** A moment that is not the client's: something else stands still there until it is let go. */
export type Moment = { readonly reached: () => Promise<void>; readonly letGo: () => void };

export type Sending = {
  readonly port: number;
  readonly login: { readonly account: string; readonly password: string } | undefined;
  readonly recipients: readonly string[];
  readonly moments: ReadonlyMap<Step, Moment>;
  /** By BDAT (RFC 3030), in two of them. */
  readonly chunks?: boolean;
};

/** Those that this client goes through. */
export const stepsOf = ({ login, moments, chunks }: Sending): readonly Step[] => {
  const left = new Set<Step>(login === undefined ? ['STARTTLS', 'AUTH'] : []);
  for (const step of ['dot', 'taken'] as const) if (!moments.has(step)) left.add(step);
  if (chunks === true) left.add('DATA');
  return steps.filter((step) => !left.has(step));
};

const half = `${'x'.repeat(70)}\r\n`.repeat(1500);
const head = 'Subject: nothing is lost\r\n\r\n';

type After = (step: Step) => Promise<void>;

const logIn = async (smtp: SmtpDialogue, { login }: Sending, after: After): Promise<void> => {
  if (login === undefined) return;
  await smtp.startTls();
  await smtp.say('EHLO client.test', 250);
  await after('STARTTLS');
  await smtp.authPlain(login.account, login.password, 235);
  await after('AUTH');
};

/** As pipelining does: each is said whatever became of the ones before (RFC 2920 §3.1). @returns every code that it heard */
const begin = async (smtp: SmtpDialogue, sender: string, sending: Sending, after: After): Promise<number[]> => {
  const { recipients, chunks } = sending;
  const codes = [(await smtp.say(`MAIL FROM:<${sender}>`)).code];
  await after('MAIL');
  for (const [at, recipient] of recipients.entries()) {
    codes.push((await smtp.say(`RCPT TO:<${recipient}>`)).code);
    if (at === 0) await after('RCPT');
  }
  return chunks === true ? codes : [...codes, (await smtp.say('DATA')).code];
};

/** All but what ends it. */
const sendMessage = async (smtp: SmtpDialogue, { chunks }: Sending, after: After): Promise<void> => {
  if (chunks !== true) await after('DATA');
  smtp.write(chunks === true ? `BDAT ${head.length + half.length}\r\n${head}${half}` : head + half);
  if (chunks === true) await smtp.hear(250);
  await after('body');
  smtp.write(chunks === true ? `BDAT ${half.length}\r\n${half}` : half);
  if (chunks === true) await smtp.hear(250);
};

/** One try. @param strike cuts, at `at`. @returns whether the client was told that its message was taken, and why it stopped */
const attempt = async (
  sending: Sending,
  sender: string,
  at: Step | undefined,
  strike: () => Promise<void>,
): Promise<{ readonly told: boolean; readonly why: string }> => {
  let why = '';
  let smtp: SmtpDialogue | undefined;
  let told = false;
  let bounced: string | undefined;
  const moment = at === undefined ? undefined : sending.moments.get(at);
  const after = async (step: Step): Promise<void> => {
    if (step === at) await strike();
  };
  try {
    smtp = await dialSmtp({ from: '203.0.113.9', to: '127.0.0.1', port: sending.port });
    assert.equal(smtp.greeting.code, 220);
    await after('connect');
    await smtp.say('EHLO client.test', 250);
    await after('EHLO');
    await logIn(smtp, sending, after);
    const heard = await begin(smtp, sender, sending, after);
    if (heard.some((code) => code >= 500)) bounced = `${sender} hears ${heard.join(', ')}`;
    assert.deepEqual(heard, [250, ...sending.recipients.map(() => 250), ...(sending.chunks === true ? [] : [354])]);
    await sendMessage(smtp, sending, after);
    const reached = moment?.reached();
    const outcome = smtp.say(sending.chunks === true ? 'BDAT 0 LAST' : '.', 250).then(
      () => true,
      () => false,
    );
    if (reached !== undefined) {
      await reached;
      await strike();
      moment?.letGo();
    }
    told = await outcome;
    assert.ok(told);
    await after('told');
    await smtp.quit();
    await after('QUIT');
  } catch (error) {
    // Cut off: what counts is what it was told.
    why = String(error);
  }
  smtp?.hangUp();
  moment?.letGo();
  assert.equal(bounced, undefined, 'a 5xx makes the client give up');
  return { told, why };
};

/** Tries like a mail server with a queue. @returns how often it tried */
export const sendUntilTold = async (
  sending: Sending,
  sender: string,
  at: Step,
  strike: () => Promise<void>,
): Promise<number> => {
  let isStruck = false;
  const reasons: string[] = [];
  const firstStrike = async (): Promise<void> => {
    isStruck = true;
    await strike();
  };
  for (let tries = 1; tries <= attemptsMax; tries++) {
    const { told, why } = await attempt(sending, sender, isStruck ? undefined : at, firstStrike);
    reasons.push(why);
    if (told) {
      assert.ok(isStruck, `${at}: the cut came`);
      return tries;
    }
  }
  return assert.fail(`${at}: never told that it was taken:\n${reasons.join('\n')}`);
};
