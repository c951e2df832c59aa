/** SMTP sessions with a server that is checked: what was said, what was answered, and what an answer means. */
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
  /** The server closed, or did not answer. */
  readonly isOver: () => boolean;
  readonly end: () => void;
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
    isOver: () => talk.isOver() || steps.at(-1)?.answer.code === 0 || steps.at(-1)?.answer.code === 421,
    end: talk.end,
  };
};

/** Says the lines up to one that is not granted. @returns every step; the first is the greeting */
export const walk = async (target: Target, lines: readonly string[]): Promise<readonly Step[]> => {
  const smtp = await openSmtp(target);
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
