/**
 * Is the server asking before it looks at a password? A login under a marked account that does not exist: refused in our
 * words, or, when the guard keeps silent, refused for its password. Passwords of people are never used.
 */
import { notProven, proven, saidOf, wrong } from './finding.ts';
import type { Finding } from './finding.ts';
import { heardOf, waitForNotes } from './heard.ts';
import type { Heard } from './heard.ts';
import { proveLogged } from './logged.ts';
import { makeProbe } from './probe.ts';
import type { AskingHook, Probe } from './probe.ts';
import { authPlain, greetSecurely, offers, openSmtp, wordsOf } from './smtp.ts';
import type { Step } from './smtp.ts';
import { idOf } from './stages.ts';
import type { Prober } from './stages.ts';
import { dial } from './talk.ts';
import type { Talk, Target } from './talk.ts';

const lineMsMax = 20_000;
const linesMax = 50;
/** A report comes behind the answer to the login, from a server that may be slow. */
const reportWaitMs = 10_000;
/** The question came before it. */
const askedWaitMs = 1000;

/** Says a line and waits for the one that ends its answer. */
const ask = async (talk: Talk, line: string, isEnd: (answer: string) => boolean): Promise<string> => {
  talk.write(`${line}\r\n`);
  for (let count = 0; count < linesMax; count++) {
    const answer = await talk.hear(lineMsMax);
    if (answer === undefined) return 'the connection was closed';
    if (isEnd(answer)) return answer;
  }
  return 'no end of the answer';
};

const tagged = (tag: string) => (line: string) => line.startsWith(`${tag} `);
const anyLine = (): boolean => true;

/** @returns undefined where no login is offered */
type Login = (target: Target, account: string) => Promise<string | undefined>;

const imap: Login = async (target, account) => {
  const talk = await dial(target);
  try {
    await talk.hear(lineMsMax);
    const answer = await ask(talk, `a1 LOGIN ${account} x`, tagged('a1'));
    if (!/PRIVACYREQUIRED|LOGINDISABLED|disabled/i.test(answer)) return answer;
    if (!(await ask(talk, 'a2 STARTTLS', tagged('a2'))).startsWith('a2 OK')) return answer;
    await talk.secure();
    return await ask(talk, `a3 LOGIN ${account} x`, tagged('a3'));
  } finally {
    talk.end();
  }
};

const pop3: Login = async (target, account) => {
  const talk = await dial(target);
  const login = async (): Promise<string> => {
    const user = await ask(talk, `USER ${account}`, anyLine);
    return user.startsWith('+OK') ? ask(talk, 'PASS x', anyLine) : user;
  };
  try {
    await talk.hear(lineMsMax);
    const answer = await login();
    if (!/plaintext|privacyrequired|disallowed|disabled/i.test(answer)) return answer;
    if (!(await ask(talk, 'STLS', anyLine)).startsWith('+OK')) return answer;
    await talk.secure();
    return await login();
  } finally {
    talk.end();
  }
};

const submission: Login = async (target, account) => {
  const smtp = await openSmtp(target);
  try {
    const hello = await greetSecurely(smtp, account);
    return offers(hello, 'AUTH') ? wordsOf(await smtp.say(authPlain({ account, password: 'x' }))) : undefined;
  } finally {
    smtp.end();
  }
};

const loginsOfPort = new Map<number, Login>([
  [143, imap],
  [993, imap],
  [110, pop3],
  [995, pop3],
]);
export const isMailboxPort = (port: number): boolean => loginsOfPort.has(port);

const waitForStage = async (
  prober: Prober,
  { nonce }: Probe,
  stages: readonly string[],
  msMax: number,
): Promise<string | undefined> => {
  const isMeant = ({ stage }: Heard): boolean => stages.includes(stage);
  const heard = await waitForNotes(
    () => heardOf(prober.heardFile, nonce),
    (all) => all.some(isMeant),
    msMax,
  );
  return heard.find(isMeant)?.stage;
};

const loginAt = ({ target }: Prober): Login => loginsOfPort.get(target.port) ?? submission;

type ProvenLogin = { readonly finding: Finding; readonly isAsked: boolean; readonly probe: Probe };

/** Is refused in our words. @returns undefined where no login is offered */
export const proveLogin = async (
  prober: Prober,
  hook: AskingHook,
  isWired: boolean,
): Promise<ProvenLogin | undefined> => {
  const id = idOf('auth', hook);
  const probe = makeProbe(prober.key, hook, 'auth');
  const said = await loginAt(prober)(prober.target, probe.name);
  if (said === undefined) return undefined;
  const isAsked = (await waitForStage(prober, probe, ['auth'], askedWaitMs)) !== undefined;
  const unasked = isWired ? wrong(id, `configured but not asked: ${said}`) : notProven(id, `not configured: ${said}`);
  const obeyed = said.includes(probe.words)
    ? proven(id, 'asked and obeyed')
    : wrong(id, `asked, but the server answered for itself: ${said}`);
  return { finding: isAsked ? obeyed : unasked, isAsked, probe };
};

/**
 * Two logins: one that is refused in our words, one that is left without an answer.
 * @param isWired by the server's own configuration it asks
 * @returns nothing where no login is offered
 */
export const proveLogins = async (prober: Prober, hook: AskingHook, isWired: boolean): Promise<readonly Finding[]> => {
  const login = loginAt(prober);
  const [id, openId] = [idOf('auth', hook), idOf('open', hook)];
  try {
    const began = Date.now();
    const first = await proveLogin(prober, hook, isWired);
    if (first === undefined) return [];
    const { isAsked, probe, finding: obeyed } = first;
    if (!isAsked || hook !== 'authPolicy') return [obeyed];
    const refused = obeyed.state === 'proven' ? { probe, began } : undefined;
    const logged = await proveLogged(idOf('logged', hook), prober.loggedFile, refused);
    const silent = makeProbe(prober.key, hook, 'open');
    const before = Date.now();
    const saidThen = await login(prober.target, silent.name);
    const seconds = ((Date.now() - before) / 1000).toFixed(1);
    const report = await waitForStage(prober, silent, ['report', 'report-refused'], reportWaitMs);
    if (report === 'report')
      return [obeyed, logged, proven(openId, `without an answer it goes on to the password, after ${seconds} s`)];
    return [
      obeyed,
      logged,
      report === undefined
        ? notProven(openId, `no report of the login came: ${saidThen ?? ''}`)
        : wrong(openId, `without an answer nobody logs in: ${saidThen ?? ''}`),
    ];
  } catch (error) {
    return [notProven(id, saidOf(error))];
  }
};

const askedByNobody = 'before a password Sendmail asks nobody (Cyrus SASL), and who failed stands in its log only';

/**
 * Sendmail has no stage at AUTH; a milter is told at MAIL who has logged in (`{auth_authen}`), and can refuse or hold there.
 * @returns nothing where no login is offered
 */
export const proveToldLogin = (
  { target }: Prober,
  heard: readonly Heard[],
  steps: readonly Step[],
): readonly Finding[] => {
  const id = idOf('auth', 'milter');
  if (heard.some(({ hook, stage }) => hook === 'milter' && stage === 'account'))
    return [proven(id, `told at MAIL who has logged in; ${askedByNobody}`)];
  if (!steps.some(({ said, answer }) => said.startsWith('EHLO') && offers(answer, 'AUTH'))) return [];
  if (target.login === undefined)
    return [notProven(id, `log in to prove that MAIL tells who it is (--account, --password-file); ${askedByNobody}`)];
  return [wrong(id, 'not told at MAIL who has logged in')];
};
