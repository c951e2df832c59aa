/** SMTP sessions with a server that is checked: what was said, what was answered, and what an answer means. */
import { saidOf } from './finding.ts';
import { dial } from './talk.ts';
import type { Talk, Target } from './talk.ts';

/** Longer than any hook's time-out, so that a server that waits for one is waited for. */
const replyMsMax = 20_000;
const replyLinesMax = 100;

export type Answer = {
  /** 0: the server closed, or said nothing. */
  readonly code: number;
  readonly lines: readonly string[];
};

export type Step = { readonly said: string; readonly answer: Answer };

export const wordsOf = ({ code, lines }: Answer): string =>
  code === 0 ? 'the connection was closed' : `${code} ${lines.join(' ')}`;

const hearAnswer = async (talk: Talk, msMax = replyMsMax): Promise<Answer> => {
  const lines: string[] = [];
  while (lines.length < replyLinesMax) {
    const parts = /^(\d{3})([ -]?)(.*)$/.exec((await talk.hear(msMax)) ?? '');
    if (parts === null) return { code: 0, lines };
    lines.push(parts[3] ?? '');
    if (parts[2] !== '-') return { code: Number(parts[1]), lines };
  }
  return { code: 0, lines };
};

export type Smtp = {
  readonly steps: readonly Step[];
  readonly say: (line: string) => Promise<Answer>;
  /** Bytes of a content, and what is answered within that time; undefined: nothing. */
  readonly send: (text: string, msMax: number) => Promise<Answer | undefined>;
  readonly secure: () => Promise<void>;
  /** All steps but the greeting. */
  readonly forget: () => void;
  /** The server closed, or did not answer. */
  readonly isOver: () => boolean;
  readonly end: () => void;
};

export type Login = { readonly account: string; readonly password: string };

export const offers = (answer: Answer, extension: string): boolean =>
  answer.lines.some((line) => line.toUpperCase().split(' ')[0] === extension);

/** Says EHLO, over TLS where the server can. @returns what it offers then */
export const greetSecurely = async (smtp: Smtp, name: string): Promise<Answer> => {
  const hello = await smtp.say(`EHLO ${name}`);
  if (offers(hello, 'AUTH') || !offers(hello, 'STARTTLS')) return hello;
  if (meaningOf(await smtp.say('STARTTLS')) !== 'granted') return hello;
  await smtp.secure();
  return smtp.say(`EHLO ${name}`);
};

export const authPlain = ({ account, password }: Login): string =>
  `AUTH PLAIN ${Buffer.from(`\0${account}\0${password}`, 'latin1').toString('base64')}`;

/** The same session, as a person who has logged in; its steps begin behind that. @throws when the login is refused */
export const openAs = async (target: Target, login: Login | undefined): Promise<Smtp> => {
  const smtp = await openSmtp(target);
  if (login === undefined || meaningOf(smtp.steps[0]?.answer ?? { code: 0, lines: [] }) !== 'granted') return smtp;
  try {
    await greetSecurely(smtp, 'check.invalid');
    const answer = await smtp.say(authPlain(login));
    if (meaningOf(answer) !== 'granted') throw new Error(`the login was refused: ${wordsOf(answer)}`);
    smtp.forget();
    return smtp;
  } catch (error) {
    smtp.end();
    throw new Error(saidOf(error), { cause: error });
  }
};

/** @returns a session whose greeting has been heard */
export const openSmtp = async (target: Target): Promise<Smtp> => {
  const talk = await dial(target);
  const steps: Step[] = [{ said: 'connect', answer: await hearAnswer(talk) }];
  const note = (said: string, answer: Answer): Answer => {
    steps.push({ said, answer });
    return answer;
  };
  return {
    steps,
    say: async (line) => {
      talk.write(`${line}\r\n`);
      return note(line, await hearAnswer(talk));
    },
    send: async (text, msMax) => {
      talk.write(text);
      const answer = await hearAnswer(talk, msMax);
      return answer.code === 0 && !talk.isOver() ? undefined : note('content', answer);
    },
    secure: talk.secure,
    forget: () => void steps.splice(1),
    isOver: () => talk.isOver() || steps.at(-1)?.answer.code === 0 || steps.at(-1)?.answer.code === 421,
    end: talk.end,
  };
};

/** Says the lines up to one that is not granted. @returns every step; the first is the greeting */
export const walk = async (target: Target, lines: readonly string[], login?: Login): Promise<readonly Step[]> => {
  const smtp = await openAs(target, login);
  try {
    for (const line of lines) {
      const { code } = smtp.steps.at(-1)?.answer ?? { code: 0 };
      if (code === 0 || code >= 400) break;
      await smtp.say(line);
    }
    return smtp.steps;
  } finally {
    smtp.end();
  }
};

/** Only a 5xx says no. A 4xx (busy, greylisted) or a closed connection says nothing about the thing itself. */
export type Meaning = 'granted' | 'refused' | 'put-off';

export const meaningOf = ({ code }: Answer): Meaning => {
  if (code >= 200 && code < 400) return 'granted';
  return code >= 500 ? 'refused' : 'put-off';
};
