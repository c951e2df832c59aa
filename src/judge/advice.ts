/** What a postmaster can do about an incident, a sentence each; the first says what Postern's own answer is. */
import type { AttackName } from '../model/attack.ts';

type Situation = { readonly crowd: boolean; readonly eventsBefore: number; readonly target: string };

const stopped = ({ eventsBefore }: Situation): string =>
  eventsBefore === 1 ? 'after 1 event' : `after ${eventsBefore} events`;

/** A command to copy, but never with a name that a shell would read as more than a name. */
const command = (name: string, text: (name: string) => string): string =>
  /^[A-Za-z0-9][\w.+@-]{0,250}$/.test(name) ? ` (${text(name)})` : '';

const byAttack: Readonly<Record<AttackName, (situation: Situation) => readonly string[]>> = {
  dictionary: (s) => [
    s.crowd
      ? `Postern would have answered clients it never saw before with one 4xx for every name, ${stopped(s)}.`
      : `Postern would have closed the session and refused the client, ${stopped(s)}.`,
    'Refuse unknown recipients during the SMTP dialogue; never accept and discard.',
    s.crowd
      ? 'Blocking single addresses is useless here: each comes once.'
      : 'A firewall block is for load only; a refused client that stays is cheaper.',
  ],
  backscatter: (s) => [
    `Postern would have deferred bounces for ${s.target}, ${stopped(s)}.`,
    'Do not block the servers that return the bounces: they are innocent.',
    'Sign envelope senders (BATV) so that forged bounces can be refused; check SPF and DMARC of the forged domain.',
  ],
  relay: (s) => [
    `Postern would have refused these clients, ${stopped(s)}.`,
    'The server refused to relay: nothing left it. Check that mynetworks or the relay list holds no more than it must.',
  ],
  'password-guessing': (s) => [
    s.crowd
      ? `Postern would have let these accounts log in only from where they succeeded before, ${stopped(s)}.`
      : `Postern would have refused the client, ${stopped(s)}.`,
    'Do not lock the accounts: that would lock out their owners.',
    'Offer AUTH only under TLS and give standard names (admin, test, info) no password.',
  ],
  'compromised-account': (s) => [
    `Postern would have held this account's mail, ${stopped(s)}.`,
    `Change the password of ${s.target}, end its sessions, and look for forwards and filters that the thief left.`,
    `Hold its mail in the queue as evidence${command(s.target, (name) => `postern queue hold --where 'account = "${name}"'`)}; release or purge it after review.`,
  ],
  'outbound-flood': (s) => [
    `Postern would have held mail of ${s.target}, ${stopped(s)}.`,
    s.target.includes('@')
      ? `It is sent on by an alias: switch that off${command(s.target, (name) => `postern forwards off ${name}`)}, and on again when it is quiet.`
      : 'Find the script or relay host (postern queue --by user,script,relay), stop it, then purge only its mail from the queue.',
  ],
  'protocol-abuse': (s) => [
    `Postern would have slowed these clients down, ${stopped(s)}.`,
    'Greet late (greet pause, postscreen) and limit the errors of a session.',
  ],
  'connection-flood': (s) => [
    `Postern would have answered 421 above the allowance, ${stopped(s)}.`,
    'Give monitoring and relay hosts an exception from the limits.',
  ],
  'dns-storm': (s) => [
    `Postern would have put these clients off before the next lookup, ${stopped(s)}.`,
    'Ask Postern before the checks that ask the DNS (reject_unknown_sender_domain, verify = sender, check_mail), and let a resolver on this machine remember its answers.',
  ],
};

export const adviceFor = (attack: AttackName, situation: Situation): readonly string[] => byAttack[attack](situation);
