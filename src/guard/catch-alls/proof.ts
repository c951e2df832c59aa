/** After a lock: does the server itself refuse a name that nobody has? Asked in its own way, and in one real SMTP session. */
import { randomBytes } from 'node:crypto';
import type { CarryOut, Program } from '../../model/verb.ts';
import { saidOf } from '../check/finding.ts';
import { meaningOf, walk, wordsOf } from '../check/smtp.ts';
import type { Meaning } from '../check/smtp.ts';

export type Proof = {
  readonly domain: string;
  /** `exim -bt`, `SMTP at 127.0.0.1:25`, … */
  readonly asked: string;
  readonly state: 'refused' | 'accepted' | 'not-proven';
  /** What was answered. */
  readonly words: string;
};

export type ProofTarget = { readonly host: string; readonly port: number };

/** Domains that are asked for; of thousands a few show it. */
const domainsMax = 5;

const strangerAt = (domain: string): string => `postern-no-such-name-${randomBytes(4).toString('hex')}@${domain}`;

const states: Readonly<Record<Meaning, Proof['state']>> = {
  granted: 'accepted',
  refused: 'refused',
  'put-off': 'not-proven',
};

const probe = async ({ host, port }: ProofTarget, domain: string): Promise<Proof> => {
  const asked = `SMTP at ${host}:${port}`;
  try {
    const recipient = `RCPT TO:<${strangerAt(domain)}>`;
    const steps = await walk({ host, port, from: undefined }, ['EHLO localhost', 'MAIL FROM:<>', recipient]);
    const { said, answer } = steps.at(-1) ?? { said: '', answer: { code: 0, lines: [] } };
    const state = said === recipient ? states[meaningOf(answer)] : 'not-proven';
    return { domain, asked, state, words: wordsOf(answer) };
  } catch (error) {
    return { domain, asked, state: 'not-proven', words: saidOf(error) };
  }
};

type Tool = { readonly program: Program; readonly flag: string; readonly refuses: RegExp; readonly accepts: RegExp };

/** Postfix's maps are asked by the deed itself (postmap -q). */
const tools: ReadonlyMap<string, Tool> = new Map([
  ['exim', { program: 'exim', flag: '-bt', refuses: /undeliverable/, accepts: /router =/ }],
  [
    'sendmail',
    { program: 'sendmail', flag: '-bv', refuses: /\.\.\. .*(unknown|No such user)/i, accepts: /deliverable: mailer/ },
  ],
]);

const askTool = async (
  { program, flag, refuses, accepts }: Tool,
  domain: string,
  carryOut: CarryOut,
): Promise<Proof> => {
  const asked = `${program} ${flag}`;
  try {
    const { stdout, stderr } = await carryOut({ verb: 'run', program, args: [flag, strangerAt(domain)] });
    const words = `${stdout}${stderr}`.trim().split('\n')[0] ?? '';
    const state = refuses.test(stdout) ? 'refused' : accepts.test(stdout) ? 'accepted' : 'not-proven';
    return { domain, asked, state, words };
  } catch (error) {
    return { domain, asked, state: 'not-proven', words: saidOf(error) };
  }
};

/** @param locked '' as domain: every local one, asked for as `localhost` */
export const proveLocked = async (
  locked: readonly { readonly server: string; readonly domain: string }[],
  target: ProofTarget,
  carryOut: CarryOut,
): Promise<readonly Proof[]> => {
  const proofs: Proof[] = [];
  for (const { server, domain } of locked.slice(0, domainsMax)) {
    const name = domain === '' ? 'localhost' : domain;
    const tool = tools.get(server);
    if (tool !== undefined) proofs.push(await askTool(tool, name, carryOut));
    proofs.push(await probe(target, name));
  }
  return proofs;
};
