/** One service of one server: each of its hooks, stage by stage, and what an outsider could do there. */
import { checkHardening, seeBareNewlines } from './hardening.ts';
import type { Onlooker } from './recipients.ts';
import { isMailboxPort, proveLogins, proveToldLogin } from './logins.ts';
import { notProven, proven, saidOf, wrong } from './finding.ts';
import type { Finding } from './finding.ts';
import type { Heard } from './heard.ts';
import { proveLogged } from './logged.ts';
import { trustOf } from './machine.ts';
import { makeProbe } from './probe.ts';
import type { AskingHook } from './probe.ts';
import { findAsking, idOf, proveOpen, proveStages, refuseOnce, stagesOfHook } from './stages.ts';
import type { Prober, SmtpHook, SmtpStage } from './stages.ts';
import { wordsOf } from './smtp.ts';
import type { Step } from './smtp.ts';
import type { Service, Wired, Wiring } from '../../servers/wiring.ts';

const isSmtpHook = (hook: AskingHook): hook is SmtpHook => hook !== 'authPolicy';

export type Checked = { readonly service: Service | undefined; readonly wiring: Wiring | undefined };

const told = (hook: SmtpHook, heard: readonly Heard[]): readonly Finding[] => {
  if (!stagesOfHook[hook].includes('quit')) return [];
  const id = idOf('quit', hook);
  const isTold = heard.some((one) => one.hook === hook && one.stage === 'quit');
  return [isTold ? proven(id, 'told') : notProven(id, 'not told')];
};

const proveHook = async (
  prober: Prober,
  hook: SmtpHook,
  service: Service | undefined,
  heard: readonly Heard[],
): Promise<readonly Finding[]> => {
  const wired = hook === 'gate' ? undefined : service?.hooks.get(hook);
  const wiredAt = (stage: SmtpStage): Wired | undefined =>
    wired === undefined ? undefined : (wired.get(stage) ?? 'not');
  const findings = await proveStages(prober, hook, wiredAt);
  const atRecipient = findings.find(({ id }) => id === idOf('recipient', hook));
  const early = stagesOfHook[hook]
    .filter((stage) => wiredAt(stage) === 'with-recipient')
    .map((stage): Finding => ({
      id: idOf(stage, hook),
      state: atRecipient?.state ?? 'not-proven',
      words:
        atRecipient?.state === 'proven'
          ? 'asked and obeyed, together with RCPT (smtpd_delay_reject = yes)'
          : 'asked together with RCPT, see there',
    }));
  const auth = hook === 'readsocket' ? await proveLogins(prober, hook, wired?.has('auth') === true) : [];
  const asked = [...early, ...findings, ...told(hook, heard), ...auth];
  // The gate is the server itself: without it nobody answers the world, and what it refuses is in its own books.
  if (hook === 'gate') return asked;
  const refused = atRecipient?.state === 'proven' ? await refuseOnce(prober, hook) : undefined;
  return [...asked, await proveLogged(idOf('logged', hook), prober.loggedFile, refused), await proveOpen(prober, hook)];
};

const asksNobody = (words: string, trusted: string | undefined, { service, wiring }: Checked): Finding => {
  if (wiring !== undefined && service?.hooks.size === 0)
    return wrong('asked', `${wiring.server} is not set up to ask here: set it up (postern setup ${wiring.server})`);
  return trusted === undefined
    ? wrong('asked', `no hook was asked: set it up (postern setup); the server said ${words}`)
    : notProven(
        'asked',
        `no hook was asked by this address, ${trusted}: come from one that the server does not exempt (--from); it said ${words}`,
      );
};

/** Without a domain nothing can be asked about its neighbours; servers greet with their name (RFC 5321 §4.2). */
const withDomain = (recipient: string, greeting: Step | undefined): string => {
  const name = /^[\w-]+(?:\.[\w-]+)+(?= |$)/.exec(greeting?.answer.lines[0] ?? '')?.[0];
  return recipient.includes('@') || name === undefined ? recipient : `${recipient}@${name}`;
};

const checkSmtp = async (prober: Prober, checked: Checked): Promise<readonly Finding[]> => {
  const trusted = trustOf(checked.wiring, prober.target.from);
  const findings: Finding[] = [];
  let hooks: SmtpHook[] = [];
  let heard: readonly Heard[] = [];
  let steps: readonly Step[] = [];
  try {
    const found = await findAsking(prober);
    ({ heard, steps } = found);
    const last = steps.at(-1);
    const configured = [...(checked.service?.hooks.keys() ?? [])];
    hooks = [...new Set([...heard.map(({ hook }) => hook), ...configured])].filter(isSmtpHook);
    if (heard.length === 0)
      findings.push(asksNobody(last === undefined ? 'nothing' : wordsOf(last.answer), trusted, checked));
    else findings.push(proven('asked', `by ${heard[0]?.server ?? ''}: ${hooks.join(', ')}`));
    if (heard.length === 0 && trusted !== undefined) hooks = [];
  } catch (error) {
    return [notProven('asked', saidOf(error))];
  }
  for (const hook of hooks) findings.push(...(await proveHook(prober, hook, checked.service, heard)));
  const isSendmail = checked.wiring?.server === 'sendmail' || heard.some(({ server }) => server === 'sendmail');
  if (isSendmail) findings.push(...proveToldLogin(prober, heard, steps));
  else if (!findings.some(({ id }) => id === idOf('auth', 'readsocket')))
    findings.push(...(await proveLogins(prober, 'authPolicy', false)));
  const target = { ...prober.target, recipient: withDomain(prober.target.recipient, steps[0]) };
  findings.push(...(await lookAround({ ...prober, target }, checked, hooks, findings, trusted)));
  return findings;
};

const lookAround = async (
  prober: Prober,
  { wiring }: Checked,
  hooks: readonly SmtpHook[],
  findings: readonly Finding[],
  trustedBecause: string | undefined,
): Promise<readonly Finding[]> => {
  const onlooker: Onlooker = { target: prober.target, helo: makeProbe(prober.key, 'any', 'pass').name, trustedBecause };
  const refusing = hooks.find((hook) =>
    findings.some(({ id, state }) => id === idOf('message', hook) && state === 'proven'),
  );
  const refused = { ...onlooker, helo: makeProbe(prober.key, refusing ?? 'any', 'message').name };
  const bareNewline = await seeBareNewlines(refused, refusing !== undefined).catch((error: unknown) =>
    notProven('bare-newline', saidOf(error)),
  );
  const lacks = (wiring?.lacks ?? []).map(({ id, words }) => wrong(id, words));
  return [...(await checkHardening(onlooker)), bareNewline, ...lacks];
};

/** @param checked what the configuration says; undefined for a server that is not this machine's */
export const checkService = async (prober: Prober, checked: Checked): Promise<readonly Finding[]> => {
  if (!isMailboxPort(prober.target.port)) return checkSmtp(prober, checked);
  const isWired = checked.service?.hooks.has('authPolicy') === true;
  const lacks = (checked.wiring?.lacks ?? []).map(({ id, words }) => wrong(id, words));
  return [...(await proveLogins(prober, 'authPolicy', isWired)), ...lacks];
};
