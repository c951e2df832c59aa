/**
 * Is the server asking at each stage, does it obey, and does mail flow when nobody answers? A marked session a stage. Only
 * the end of a message needs a message: it is sent last, where the hook has proven itself before, and refused there.
 */
import { notProven, proven, saidOf, wrong } from './finding.ts';
import type { Finding } from './finding.ts';
import { heardOf, waitForNotes } from './heard.ts';
import type { Heard } from './heard.ts';
import type { Refused } from './logged.ts';
import { makeProbe } from './probe.ts';
import type { AskingHook, Probe, ProbeKind } from './probe.ts';
import { meaningOf, openAs, walk, wordsOf } from './smtp.ts';
import type { Login, Smtp, Step } from './smtp.ts';
import type { Target } from './talk.ts';
import type { Wired } from '../../servers/wiring.ts';

export type SmtpTarget = Target & {
  /** A recipient that exists. */
  readonly recipient: string;
  /** Who logs in where nobody else may send. */
  readonly login?: Login;
};

export type Prober = {
  readonly target: SmtpTarget;
  readonly key: Uint8Array;
  /** Where the guard writes down what it heard of hooks. */
  readonly heardFile: string;
  /** The same, what it read in logs. */
  readonly loggedFile: string;
};

export type SmtpStage = Exclude<ProbeKind, 'open' | 'pass' | 'auth'>;

export type SmtpHook = Exclude<AskingHook, 'authPolicy'>;

/** What each hook can be asked at; AUTH through Dovecot and Exim is proven in `logins.ts`. */
export const stagesOfHook: Readonly<Record<SmtpHook, readonly SmtpStage[]>> = {
  policy: ['connect', 'helo', 'sender', 'recipient', 'data', 'message', 'etrn'],
  milter: ['connect', 'helo', 'sender', 'recipient', 'data', 'message', 'quit'],
  readsocket: ['connect', 'helo', 'sender', 'recipient', 'data', 'message', 'quit'],
  gate: ['connect', 'helo', 'sender', 'recipient', 'data', 'message', 'quit'],
};

/** How the protocols call our stages. */
const stageNames: Readonly<Record<SmtpStage | 'auth' | 'open' | 'logged', string>> = {
  connect: 'connect',
  helo: 'HELO',
  auth: 'AUTH',
  sender: 'MAIL',
  recipient: 'RCPT',
  data: 'DATA',
  message: 'END-OF-MESSAGE',
  etrn: 'ETRN',
  quit: 'QUIT',
  open: 'open',
  logged: 'logged',
};

/** Written down before it is answered: what is not there now will hardly come. */
const heardWaitMs = 1000;
/** A milter hears of the end of a session behind it, from a server that may be slow. */
const quitWaitMs = 10_000;

/** What the guard wrote down of a session that is over. */
const waitForHeard = (
  file: string,
  { nonce }: Probe,
  isEnough: (heard: readonly Heard[]) => boolean,
  msMax = heardWaitMs,
): Promise<readonly Heard[]> => waitForNotes(() => heardOf(file, nonce), isEnough, msMax);

const envelope = (name: string, recipient: string): string[] => [
  `EHLO ${name}`,
  'MAIL FROM:<>',
  `RCPT TO:<${recipient}>`,
];

const contentOf = (recipient: string, words: string): string =>
  [
    `From: <${recipient}>`,
    `To: <${recipient}>`,
    `Subject: ${words}`,
    'Auto-Submitted: auto-generated',
    '',
    'postern check wrote this. If you read it, your server did not ask at the end of a message.',
    '.',
  ].join('\r\n');

const linesOf = (stage: SmtpStage, probe: Probe, recipient: string): readonly string[] => {
  if (stage === 'etrn') return [`EHLO ${probe.name}`, 'ETRN check.invalid'];
  const lines = envelope(probe.name, recipient);
  if (stage === 'data') return [...lines, 'DATA'];
  return stage === 'message' ? [...lines, 'DATA', contentOf(recipient, probe.words)] : lines;
};

export const idOf = (stage: keyof typeof stageNames, hook: AskingHook): string => `${hook}-${stageNames[stage]}`;

const lastWords = (steps: readonly Step[]): string => {
  const last = steps.at(-1);
  return last === undefined ? 'nothing' : wordsOf(last.answer);
};

type Played = { readonly stage: SmtpStage; readonly probe: Probe; readonly steps: readonly Step[] };

/** A refused connection hears our code in Sendmail's own words; its limits have another code. */
const isClosedBySendmail = ([greeting]: readonly Step[]): boolean =>
  greeting !== undefined &&
  greeting.answer.code === 421 &&
  /^4\.7\.0 .*closing connection$/.test(greeting.answer.lines[0] ?? '');

/** @param wired what the server's configuration says of this stage; undefined: it cannot be read */
const conclude = async (
  { heardFile, target }: Prober,
  hook: AskingHook,
  { stage, probe, steps }: Played,
  wired: Wired | undefined,
): Promise<Finding> => {
  const id = idOf(stage, hook);
  if (steps.some(({ answer }) => wordsOf(answer).includes(probe.words))) return proven(id, 'asked and obeyed');
  const heard = await waitForHeard(heardFile, probe, (all) => all.some((one) => one.stage === stage));
  const isAsked = heard.some((one) => one.stage === stage && one.hook === hook);
  if (isAsked && stage === 'connect' && isClosedBySendmail(steps)) return proven(id, 'asked and obeyed');
  if (isAsked) return wrong(id, `asked, but the server answered for itself: ${lastWords(steps)}`);
  if (stage === 'message' && steps.length === linesOf(stage, probe, '').length && steps.at(-1)?.answer.code === 250)
    return wrong(id, `not asked: the server took the message of this probe for ${target.recipient}`);
  if (wired === 'not') return notProven(id, 'not configured');
  if (steps.some(({ answer }) => meaningOf(answer) !== 'granted'))
    return notProven(id, `the server refused before it asked: ${lastWords(steps)}`);
  return wired === 'configured' ? wrong(id, 'configured but not asked') : notProven(id, 'not asked');
};

/** Servers limit the connections of a client, so that one session serves every stage that it can: EHLO begins anew. */
const createSession = (target: SmtpTarget) => {
  let smtp: Smtp | undefined;
  return {
    /** Up to a line that is not granted. */
    sayAll: async (lines: readonly string[]): Promise<readonly Step[]> => {
      if (smtp?.isOver() !== false) {
        // The server may have said so and not closed.
        smtp?.end();
        smtp = await openAs(target, target.login);
      }
      const before = smtp.steps.length === 1 ? 0 : smtp.steps.length;
      for (const line of lines) {
        const { code } = smtp.steps.at(-1)?.answer ?? { code: 0 };
        const isFirst = line === lines[0] && before > 0;
        if (!isFirst && (code === 0 || code >= 400)) break;
        await smtp.say(line);
      }
      return smtp.steps.slice(before);
    },
    end: (): void => smtp?.end(),
  };
};

const playConnect = async (
  { target, key, heardFile }: Prober,
  hook: AskingHook,
  sayAll: ReturnType<typeof createSession>['sayAll'],
): Promise<Played> => {
  const probe = makeProbe(key, hook, 'connect');
  await sayAll(envelope(probe.name, target.recipient));
  await waitForHeard(heardFile, probe, (heard) => heard.length > 0);
  const steps = await walk(target, envelope(makeProbe(key, hook, 'pass').name, target.recipient));
  return { stage: 'connect', probe, steps };
};

/** @param wiredAt what the server's configuration says of a stage; undefined: it cannot be read */
export const proveStages = async (
  prober: Prober,
  hook: SmtpHook,
  wiredAt: (stage: SmtpStage) => Wired | undefined,
): Promise<readonly Finding[]> => {
  const findings: Finding[] = [];
  const session = createSession(prober.target);
  const stages = stagesOfHook[hook].filter((stage) => stage !== 'quit' && wiredAt(stage) !== 'with-recipient');
  // Sendmail does not ask again in a session whose HELO was refused.
  for (const stage of stages.toSorted((a, b) => Number(a === 'helo') - Number(b === 'helo'))) {
    const wired = wiredAt(stage);
    // Where nothing refuses it a message would be made.
    if (stage === 'message' && (wired === 'not' || !findings.some(({ state }) => state === 'proven'))) {
      findings.push(
        notProven(idOf(stage, hook), wired === 'not' ? 'not configured' : 'not tried: a message would be made'),
      );
      continue;
    }
    try {
      const probe = makeProbe(prober.key, hook, stage);
      const played: Played =
        stage === 'connect'
          ? await playConnect(prober, hook, session.sayAll)
          : { stage, probe, steps: await session.sayAll(linesOf(stage, probe, prober.target.recipient)) };
      findings.push(await conclude(prober, hook, played, wired));
    } catch (error) {
      findings.push(notProven(idOf(stage, hook), saidOf(error)));
    }
  }
  session.end();
  return stages.flatMap((stage) => findings.filter(({ id }) => id === idOf(stage, hook)));
};

/** One more session that is refused at RCPT, which every server writes down. */
export const refuseOnce = async ({ key, target }: Prober, hook: SmtpHook): Promise<Refused | undefined> => {
  const probe = makeProbe(key, hook, 'recipient');
  const began = Date.now();
  const steps = await walk(target, envelope(probe.name, target.recipient), target.login);
  return steps.some(({ answer }) => wordsOf(answer).includes(probe.words)) ? { probe, began } : undefined;
};

/** One stage in a session of its own, which goes no further than it has to. */
export const proveStage = async (
  prober: Prober,
  hook: SmtpHook,
  stage: 'sender' | 'recipient',
  wired: Wired | undefined,
): Promise<Finding> => {
  const probe = makeProbe(prober.key, hook, stage);
  const lines = envelope(probe.name, prober.target.recipient).slice(0, stage === 'sender' ? 2 : 3);
  return conclude(prober, hook, { stage, probe, steps: await walk(prober.target, lines) }, wired);
};

/** The guard keeps silent at every stage of this session: after its time-outs the server takes the recipient all the same. */
export const proveOpen = async (prober: Prober, hook: AskingHook): Promise<Finding> => {
  const id = idOf('open', hook);
  try {
    const probe = makeProbe(prober.key, hook, 'open');
    const before = Date.now();
    const { target } = prober;
    const steps = await walk(target, envelope(probe.name, target.recipient), target.login);
    const seconds = ((Date.now() - before) / 1000).toFixed(1);
    const heard = await waitForHeard(prober.heardFile, probe, (all) => all.length > 0);
    const last = steps.at(-1);
    if (!heard.some((one) => one.hook === hook)) return notProven(id, `not asked: ${lastWords(steps)}`);
    if (last !== undefined && last.said.startsWith('RCPT') && meaningOf(last.answer) === 'granted')
      return proven(id, `mail flows without an answer, after ${seconds} s`);
    // A closed door says so in the server's words of a temporary fault; a 5xx is its own no to this recipient.
    return last !== undefined && meaningOf(last.answer) === 'refused'
      ? notProven(id, `the server refused by itself: ${lastWords(steps)}`)
      : wrong(id, `without an answer the server refuses: ${lastWords(steps)}`);
  } catch (error) {
    return notProven(id, saidOf(error));
  }
};

/** Which hooks the server asks at all, found with one session that all let pass; and which of them are told of its end. */
export const findAsking = async (
  prober: Prober,
): Promise<{ readonly heard: readonly Heard[]; readonly steps: readonly Step[] }> => {
  const probe = makeProbe(prober.key, 'any', 'pass');
  const { target } = prober;
  const steps = await walk(target, [...envelope(probe.name, target.recipient), 'QUIT'], target.login);
  const isToldOfEnd = ({ hook }: Heard): boolean => hook !== 'authPolicy' && stagesOfHook[hook].includes('quit');
  const hasTold = (all: readonly Heard[], hook: AskingHook): boolean =>
    all.some((one) => one.hook === hook && one.stage === 'quit');
  const heard = await waitForHeard(
    prober.heardFile,
    probe,
    (all) => all.filter(isToldOfEnd).every(({ hook }) => hasTold(all, hook)),
    quitWaitMs,
  );
  return { steps, heard };
};
