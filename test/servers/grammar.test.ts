/**
 * Provokes the real servers and reads what they wrote: every provoked fact must be told, of the client that did it, and
 * hardly a line of the servers' own programs may be a stranger.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../src/model/event.ts';
import { labClosed } from './lab/door.ts';
import { provocationsOf } from './provoke/all.ts';
import { chainProvocations, dovecotProvocations, secondPasswords } from './provoke/dovecot.ts';
import { deliveryProvocations } from './provoke/deliveries.ts';
import { curiousExim, curiousEximProvocations, eximProvocations, strictExim } from './provoke/exim.ts';
import { factsFor } from './provoke/provocation.ts';
import type { Fact, MailServerName, Provocation } from './provoke/provocation.ts';
import { playDovecot, playMailServer } from './provoke/stage.ts';
import type { Log, Setup } from './provoke/stage.ts';
import { strictPostfix, strictPostfixProvocations, unlistedSenders } from './provoke/strict-postfix.ts';
import { readLog } from './provoke/told.ts';

const unmatchedShareMax = 0.01;
/** What hostile names and addresses of the provocations pretend to come from. */
const pretendedClient = '192.0.2.66';

type Expected = {
  readonly what: string;
  readonly client: string;
  readonly facts: readonly Fact[];
  readonly timesMin: number;
};

/** Deliveries and queue events name a client only if the grammar could join them to one. */
const isOf = (client: string, fact: Fact, event: Event): boolean =>
  fact.kind === 'delivery' || fact.kind === 'queue' || event.client === client;

const fits = (event: Event, fact: Fact): boolean =>
  Object.entries(fact).every(([name, value]) => Object.is(Reflect.get(event, name), value));

const missing = (events: readonly Event[], { client, facts, timesMin }: Expected): Fact[] =>
  facts.filter((fact) => {
    const own = 'client' in fact ? events : events.filter((event) => isOf(client, fact, event));
    return own.filter((event) => fits(event, fact)).length < timesMin;
  });

const checkLog = (server: string, { name, lines }: Log, expected: readonly Expected[]): void => {
  const { events, own, unmatched } = readLog(lines);
  const strangers = unmatched.length / own;
  assert.ok(
    events.length > expected.length,
    `${server} ${name}: only ${events.length} events in ${lines.length} lines`,
  );
  assert.ok(strangers <= unmatchedShareMax, `${server} ${name}: unmatched lines\n${unmatched.join('\n')}`);
  assert.deepEqual(
    events.filter(({ client }) => client === pretendedClient),
    [],
    `${server} ${name}: believed a client that only a name pretended`,
  );
  const notTold = expected
    .map((one) => ({ what: one.what, client: one.client, missing: missing(events, one) }))
    .filter((one) => one.missing.length > 0);
  assert.deepEqual(notTold, [], `${server} ${name}`);
};

const plays: readonly {
  readonly what: string;
  readonly server: MailServerName;
  readonly provocations?: readonly Provocation[];
  readonly setup?: Setup;
}[] = [
  { what: 'what postfix writes', server: 'postfix' },
  {
    what: 'what postfix writes with short queue ids',
    server: 'postfix',
    provocations: deliveryProvocations,
    setup: { postfix: { mainCf: { enable_long_queue_ids: 'no' } } },
  },
  {
    what: 'what a strict postfix writes',
    server: 'postfix',
    provocations: strictPostfixProvocations,
    setup: { postfix: strictPostfix },
  },
  { what: 'what exim writes', server: 'exim' },
  { what: 'what exim writes when all is selected', server: 'exim', setup: { exim: { logSelector: '+all' } } },
  {
    what: 'what a strict exim writes',
    server: 'exim',
    provocations: eximProvocations,
    setup: { exim: { edit: strictExim } },
  },
  {
    what: 'what a curious exim writes',
    server: 'exim',
    provocations: curiousEximProvocations,
    setup: { exim: { edit: curiousExim, logSelector: '+all' } },
  },
  {
    what: 'what a postfix that knows its senders writes',
    server: 'postfix',
    provocations: unlistedSenders,
    setup: { postfix: { mainCf: { smtpd_reject_unlisted_sender: 'yes' } } },
  },
  { what: 'what sendmail writes', server: 'sendmail' },
];

for (const { what, server, provocations = provocationsOf[server], setup } of plays) {
  test(`${what} is understood`, { skip: labClosed }, async () => {
    const expected = provocations.map((one) => ({ ...one, facts: factsFor(server, one), timesMin: one.timesMin ?? 1 }));
    for (const log of await playMailServer(server, provocations, setup)) checkLog(server, log, expected);
  });
}

for (const where of ['syslog', 'own file'] as const) {
  test(`what dovecot writes to ${where} is understood`, { skip: labClosed }, async () => {
    const expected = dovecotProvocations.map((one) => ({ ...one, timesMin: 1 }));
    for (const log of await playDovecot(dovecotProvocations, where)) checkLog('dovecot', log, expected);
  });
}

for (const passwords of ['no', 'sha1:6'] as const) {
  test(`two databases, auth_verbose_passwords = ${passwords}`, { skip: labClosed }, async () => {
    const settings = `${secondPasswords}\nauth_verbose_passwords = ${passwords}`;
    const expected = chainProvocations.map((one) => ({ ...one, timesMin: 1 }));
    for (const log of await playDovecot(chainProvocations, 'syslog', settings)) {
      checkLog('dovecot', log, expected);
      const failuresOf = (client: string): number =>
        readLog(log.lines).events.filter((event) => event.client === client && event.outcome === 'failure').length;
      assert.deepEqual(['203.0.113.101', '203.0.113.102'].map(failuresOf), [0, 2], log.lines.join('\n'));
    }
  });
}
