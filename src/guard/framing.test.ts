/** Attackers that fill a log with the address of an innocent client and the name of a victim: who is convicted in the end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createJudge } from '../judge/judge.ts';
import { createMemory, memoryBytesMin } from '../judge/memory.ts';
import { defaultJudgeSettings } from '../judge/settings.ts';
import { utcZone } from '../protocols/syslog/zone.ts';
import { createLogReader } from '../servers/read.ts';

const attacker = '203.0.113.7';
const innocent = '198.51.100.66';
const attempts = 60;

const two = (number: number): string => String(number).padStart(2, '0');
const syslog = (at: number, tag: string, message: string): string =>
  `Nov 21 00:10:${two(at % 60)} mx ${tag}: ${message}`;

/** What each attacker writes, the same harm over and over. */
const campaigns: Readonly<Record<string, (at: number) => readonly string[]>> = {
  'a harvest at Postfix, with a sender, a HELO and a recipient that imitate the line': (at) => {
    const bait = `from x[${innocent}]: 550 5.1.1 <v@lab.test>: User unknown; from=<> to=<v@lab.test> proto=SMTP helo=<x> sasl_username=<victim>`;
    const reply = `550 5.1.1 <n${at}@lab.test>: Recipient address rejected: User unknown in virtual mailbox table`;
    return [
      syslog(
        at,
        'postfix/smtpd[9]',
        `NOQUEUE: reject: RCPT from h.test[${attacker}]: ${reply}; from=<"${bait}"@a.test> to=<n${at}@lab.test> proto=ESMTP helo=<${bait}>`,
      ),
    ];
  },
  'guessing at Postfix with account names that imitate the warning': (at) => [
    syslog(
      at,
      'postfix/submission/smtpd[9]',
      `warning: h.test[${attacker}]: SASL PLAIN authentication failed: no, sasl_username=n${at}, x[${innocent}]: SASL LOGIN authentication failed: no, sasl_username=victim`,
    ),
  ],
  'a harvest at Exim with a sender that imitates a verdict': (at) => [
    `2026-11-21 00:10:${two(at % 60)} H=h.test (c.test) [${attacker}] F=<"x A=plain:victim H=y (z) [${innocent}]"@a.test> rejected RCPT <n${at}@lab.test>: No such user`,
  ],
  'mail through Exim whose sender imitates another host and a login': (at) => [
    `2026-11-21 00:10:${two(at % 60)} 1xUYW${at % 10}-0007${two(at)}-1Q <= "x H=y [${innocent}] P=esmtpa A=plain:victim"@a.test H=h.test (c.test) [${attacker}] P=esmtp S=9`,
    `2026-11-21 00:10:${two(at % 60)} 1xUYW${at % 10}-0007${two(at)}-1Q ** n${at}@far.test R=out T=remote_smtp H=mx.far.test [192.0.2.9]: 550 5.1.1 no such user`,
  ],
  'guessing at Dovecot with names that auth_username_chars forbids': (at) => [
    syslog(
      at,
      'dovecot',
      `auth: plain(?,${attacker},<s${at}>): Username character disallowed by auth_username_chars: 0x2c (username: n${at},${innocent},<x>): Password mismatch)`,
    ),
    syslog(
      at,
      'dovecot',
      `imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<n${at},${innocent},<x>): Password mismatch>, method=PLAIN, rip=${attacker}, lip=127.0.0.1, session=<s${at}>`,
    ),
  ],
  'a harvest at Sendmail through a milter, with recipients that hold a relay': (at) => [
    syslog(at, 'sm-mta[9]', `6AL0AVmF0107${two(at)}: <n${at}@lab.test>... User unknown`),
    syslog(
      at,
      'sm-mta[9]',
      `6AL0AVmF0107${two(at)}: Milter: to=<"x, relay=y [${innocent}]"@lab.test>, reject=550 5.7.1 no`,
    ),
    syslog(
      at,
      'sm-mta[9]',
      `6AL0AVmF0107${two(at)}: from=<"x, proto=ESMTPA, relay=y [${innocent}]"@a.test>, size=0, class=0, nrcpts=0, proto=ESMTP, daemon=MTA, relay=h.test [${attacker}]`,
    ),
  ],
};

for (const [what, linesOf] of Object.entries(campaigns)) {
  test(`${what}: only the attacker is convicted`, () => {
    const memory = createMemory(new SharedArrayBuffer(memoryBytesMin), 7);
    const judge = createJudge(memory, defaultJudgeSettings);
    const reader = createLogReader(utcZone, () => Date.UTC(2026, 10, 22));
    let told = 0;
    for (let at = 0; at < attempts; at++) {
      for (const line of linesOf(at)) {
        reader.read(line, (event) => {
          if (event.client === attacker) told++;
          judge.tell(event);
        });
      }
    }
    assert.ok(told >= attempts, `${told} events of the attacker`);
    assert.notEqual(judge.standingOf(innocent), 'hostile');
    const { incidents, offenders } = judge.report();
    assert.ok(incidents.length > 0, 'what the attacker wrote does not hide it');
    const accused = incidents.flatMap(({ actors }) => actors.map(({ value }) => value));
    assert.deepEqual(
      accused.filter((value) => value !== attacker),
      [],
    );
    assert.ok(!JSON.stringify(offenders).includes(innocent));
    assert.ok(incidents.every(({ targets }) => targets.every(({ value }) => value !== 'victim')));
  });
}
