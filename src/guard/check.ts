/**
 * Is the server really asking, and does it obey? A marked session to its port, once for each stage. And what an outsider
 * could do there: relay, read passwords on the wire, try names. No message is ever sent: each session ends before its content.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { SmtpReply } from '../protocols/smtp/reply.ts';
import { createWire } from '../sense/gate/wire.ts';
import type { Wire } from '../sense/gate/wire.ts';
import { makeProbe } from './probe.ts';
import type { ProbeStage } from './probe.ts';

export type CheckTarget = {
  readonly host: string;
  readonly port: number;
  /** The address to come from: one that the server does not exempt. */
  readonly from: string | undefined;
  /** A recipient that exists. */
  readonly recipient: string;
};

export type Finding = {
  readonly id: string;
  readonly state: 'proven' | 'wrong' | 'not-proven';
  readonly words: string;
};

const patienceMs = 15_000;

const dial = async ({ host, port, from }: CheckTarget): Promise<Wire> => {
  const socket = connect({ host, port, ...(from === undefined ? {} : { localAddress: from }) });
  socket.setTimeout(patienceMs, () => socket.destroy(new Error(`${host}:${port} does not answer`)));
  await once(socket, 'connect');
  return createWire(socket, `${host}:${port}`, patienceMs);
};

const wordsOf = ({ code, lines }: SmtpReply): string => `${code} ${lines.join(' ')}`;

/** Says the steps of a session up to one that is refused. @returns each reply */
const walk = async (wire: Wire, steps: readonly string[]): Promise<readonly SmtpReply[]> => {
  const heard = [await wire.hear()];
  for (const step of steps) {
    if ((heard.at(-1)?.code ?? 500) >= 400) break;
    heard.push(await wire.say(step));
  }
  wire.socket.destroy();
  return heard;
};

const probedStages: readonly Exclude<ProbeStage, 'auth'>[] = ['helo', 'sender', 'recipient', 'data'];

const checkStage = async (
  target: CheckTarget,
  key: Uint8Array,
  stage: (typeof probedStages)[number],
): Promise<Finding> => {
  const probe = makeProbe(key, stage);
  const id = `asked-at-${stage}`;
  try {
    // The last step of a probe of DATA is refused or answered 354, and then the connection is cut: no message is made.
    const steps = [`EHLO ${probe.name}`, 'MAIL FROM:<>', `RCPT TO:<${target.recipient}>`, 'DATA'];
    const heard = await walk(await dial(target), stage === 'data' ? steps : steps.slice(0, 3));
    if (heard.some((reply) => wordsOf(reply).includes(probe.words)))
      return { id, state: 'proven', words: 'asked and obeyed' };
    return {
      id,
      state: 'not-proven',
      words: `the server answered for itself: ${wordsOf(heard.at(-1) ?? { code: 0, lines: [] })}`,
    };
  } catch (error) {
    return { id, state: 'wrong', words: error instanceof Error ? error.message : String(error) };
  }
};

/** Enough when the recipient is asked about: earlier stages are asked together with it by many a server. */
export const checkAsking = async (target: CheckTarget, key: Uint8Array): Promise<readonly Finding[]> => {
  const findings: Finding[] = [];
  for (const stage of probedStages) findings.push(await checkStage(target, key, stage));
  const isAsked = findings.some(({ state }) => state === 'proven');
  return findings.map((finding) =>
    finding.state !== 'not-proven' || isAsked
      ? finding
      : {
          ...finding,
          state: finding.id === 'asked-at-recipient' ? 'wrong' : 'not-proven',
          words: `${finding.words}; is the hook set up (postern setup), and is ${target.from ?? 'your own address'} not exempt (permit_mynetworks, --from)?`,
        },
  );
};

const domainOf = (recipient: string): string | undefined =>
  recipient.includes('@') ? recipient.slice(recipient.lastIndexOf('@') + 1) : undefined;

type Look = (target: CheckTarget) => Promise<Finding | undefined>;

const isOpenRelay: Look = async (target) => {
  const heard = await walk(await dial(target), [
    'EHLO check.invalid',
    'MAIL FROM:<check@example.org>',
    'RCPT TO:<postern-check@example.com>',
  ]);
  const last = heard.at(-1);
  const relays = heard.length === 4 && last !== undefined && last.code < 300;
  return relays
    ? { id: 'open-relay', state: 'wrong', words: `it takes mail from strangers for strangers: ${wordsOf(last)}` }
    : { id: 'open-relay', state: 'proven', words: `no relay: ${last === undefined ? '' : wordsOf(last)}` };
};

const offersAuthBare: Look = async (target) => {
  const heard = await walk(await dial(target), ['EHLO check.invalid']);
  const offered = heard[1]?.lines.some((line) => /^AUTH\b/i.test(line)) === true;
  return offered
    ? {
        id: 'auth-without-tls',
        state: 'wrong',
        words: 'AUTH is offered before TLS: passwords cross the wire in the clear',
      }
    : { id: 'auth-without-tls', state: 'proven', words: 'no AUTH before TLS' };
};

const catchesAll: Look = async (target) => {
  const domain = domainOf(target.recipient);
  if (domain === undefined) return undefined;
  const name = `postern-no-such-name-${Math.floor(Math.random() * 1e9)}@${domain}`;
  const heard = await walk(await dial(target), ['EHLO check.invalid', 'MAIL FROM:<>', `RCPT TO:<${name}>`]);
  const last = heard.at(-1);
  const accepted = heard.length === 4 && last !== undefined && last.code < 300;
  return accepted
    ? {
        id: 'unknown-recipients',
        state: 'wrong',
        words: `a name that does not exist at ${domain} is accepted (postern catchall audit)`,
      }
    : {
        id: 'unknown-recipients',
        state: 'proven',
        words: `unknown names are refused: ${last === undefined ? '' : wordsOf(last)}`,
      };
};

const standardAccounts = ['admin', 'test', 'info', 'root', 'backup', 'user', 'guest'];

const tellsAccounts: Look = async (target) => {
  const domain = domainOf(target.recipient);
  if (domain === undefined) return undefined;
  const wire = await dial(target);
  const heard = await walk(wire, ['EHLO check.invalid', `VRFY ${target.recipient}`]);
  const code = heard.at(-1)?.code ?? 0;
  return code === 250 || code === 251
    ? {
        id: 'vrfy',
        state: 'wrong',
        words: 'VRFY tells who exists: switch it off (disable_vrfy_command = yes, PrivacyOptions novrfy)',
      }
    : { id: 'vrfy', state: 'proven', words: 'VRFY tells nothing' };
};

const hasStandardAccounts: Look = async (target) => {
  const domain = domainOf(target.recipient);
  if (domain === undefined) return undefined;
  const there: string[] = [];
  for (const name of standardAccounts) {
    const heard = await walk(await dial(target), ['EHLO check.invalid', 'MAIL FROM:<>', `RCPT TO:<${name}@${domain}>`]);
    if (heard.length === 4 && (heard.at(-1)?.code ?? 500) < 300) there.push(name);
  }
  return {
    id: 'standard-accounts',
    state: 'proven',
    words:
      there.length === 0
        ? 'none of the usual names exists'
        : `these usual names exist, their passwords are guessed first: ${there.join(', ')}`,
  };
};

const looks: readonly Look[] = [isOpenRelay, offersAuthBare, catchesAll, tellsAccounts, hasStandardAccounts];

export const checkHardening = async (target: CheckTarget): Promise<readonly Finding[]> => {
  const findings: Finding[] = [];
  for (const look of looks) {
    try {
      const found = await look(target);
      if (found !== undefined) findings.push(found);
    } catch (error) {
      findings.push({
        id: look.name,
        state: 'not-proven',
        words: error instanceof Error ? error.message : String(error),
      });
    }
  }
  return findings;
};
