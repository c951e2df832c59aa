/**
 * The attacks and the honest populations of the detection study (DETECTION C.2), played against the judge with seeded
 * dice. The attacker is in the loop: what the verdict refuses is never answered, so it teaches the judge nothing either.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { day, dice, fact, hour, minute, only, second, site, start } from '../../test/judge/site.ts';
import type { Site } from '../../test/judge/site.ts';
import { adviceFor } from './advice.ts';

const addressOf = (first: number, i: number): string => `${first + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.9`;

const count = (rounds: number, happens: (round: number) => boolean): number => {
  let sum = 0;
  for (let round = 0; round < rounds; round++) if (happens(round)) sum++;
  return sum;
};
test('S1: of 1,100 words from five neighbours at most 20 are answered', () => {
  const mail = site();
  const answered = count(1100, (i) => {
    const client = `203.0.113.${1 + (Math.floor(i / 100) % 5)}`;
    const time = start + Math.floor(i / 100) * hour + (i % 100) * 10;
    return mail.recipient(time, client, `word${i}@lab.test`, false) !== 'hidden';
  });
  assert.ok(answered > 0 && answered <= 20, `${answered} answered`);
  const incident = only(mail.incidents('dictionary'));
  assert.ok(incident.actors.every(({ value }) => value.startsWith('203.0.113.')));
});

test('S2: one client that guesses 185 names, 2 % of them right, confirms hardly one', () => {
  const next = dice(2);
  let leaks = 0;
  for (let run = 0; run < 20; run++) {
    const mail = site();
    leaks += count(
      185,
      (i) => mail.recipient(start + i * 200, '203.0.113.7', `n${i}@lab.test`, next() < 0.02) === 'accepted',
    );
    only(mail.incidents('dictionary'));
  }
  assert.ok(leaks / 20 <= 1, `${leaks} in 20 runs`);
});

/** A crowd of one-shot guessers among honest newcomers (400 a day). */
const crowd = (mail: Site, everyMs: number, probes: number, right: number) => {
  const next = dice(3);
  let answered = 0;
  let leaks = 0;
  let honest = 0;
  for (let i = 0; i < probes; i++) {
    const time = start + i * everyMs;
    const answer = mail.recipient(time, addressOf(20, i), `guess${i}@lab.test`, next() < right);
    if (answer !== 'hidden') answered++;
    if (answer === 'accepted') leaks++;
    if (next() < (400 * everyMs) / day) mail.recipient(time + 1, addressOf(120, honest++), 'alice@lab.test', true);
  }
  return { answered, leaks, honest };
};

test('S3: 22,977 one-shot guessers a day: at most 40 answered, at most one name leaks, one incident, no honest actor', () => {
  const mail = site();
  const { answered, leaks, honest } = crowd(mail, 3760, 22_977, 0.02);
  assert.ok(honest > 300);
  assert.ok(answered > 0 && answered <= 40, `${answered} answered`);
  assert.ok(leaks <= 1, `${leaks} leaked`);
  const incident = only(mail.incidents('dictionary'));
  assert.deepEqual(
    incident.actors.filter(({ value }) => Number(value.slice(0, value.indexOf('.'))) >= 120),
    [],
  );
});

test('S3, slow: one probe in five minutes among 10,000 honest newcomers a day, where no share shows it', () => {
  const mail = site();
  const next = dice(11);
  let honest = 0;
  const learned = start + 8 * day;
  const newcomersUntil = (from: number, to: number): void => {
    for (let time = from; time < to; time += -Math.log(1 - next()) * (day / 10_000))
      mail.recipient(Math.floor(time), addressOf(120, honest++), `name${honest % 50}@lab.test`, next() < 0.997);
  };
  newcomersUntil(start, learned);
  assert.deepEqual(mail.incidents('dictionary'), [], 'eight days of typing errors is no attack');
  let answered = 0;
  for (let i = 0; i < 1000; i++) {
    const time = learned + i * 5 * minute;
    newcomersUntil(time - 5 * minute, time);
    if (mail.recipient(time, addressOf(20, i), `guess${i}@lab.test`, next() < 0.02) !== 'hidden') answered++;
  }
  assert.ok(answered > 0 && answered <= 100, `${answered} answered`);
  assert.ok(only(mail.incidents('dictionary')).actorCount > 20);
});

test('S5: ten thousand bounces from two thousand honest servers accuse none of them', () => {
  const mail = site();
  for (let i = 0; i < 10_000; i++)
    mail.recipient(start + i * 8640, addressOf(40, i % 2000), `forged${i % 19}@lab.test`, i % 20 === 0, '');
  const { incidents, offenders } = mail.judge.report();
  assert.deepEqual(
    incidents.map(({ attack }) => attack),
    ['backscatter'],
  );
  assert.deepEqual(incidents[0]?.actors, []);
  assert.ok(offenders.every(({ standing }) => standing === 'unknown'));
});

test('S6: twenty clients that probe for a relay are one incident', () => {
  const mail = site();
  for (let i = 0; i < 60; i++)
    mail.judge.tell(
      fact(start + i * minute, 'recipient', {
        client: addressOf(50, i % 20),
        outcome: 'relay-denied',
        sender: 'spameri@tiscali.test',
        recipient: `x@far${i % 3}.test`,
      }),
    );
  assert.equal(only(mail.incidents('relay')).actorCount, 20);
});

test('S7: 35 neighbours, one try each 17 minutes: at most 1 % of 5,139 tries reach a password', () => {
  const mail = site();
  const reached = count(5139, (i) =>
    mail.login(start + i * 58 * second, `203.0.113.${i % 35}`, `login${i % 4324}`, { reason: 'bad-password' }),
  );
  assert.ok(reached > 0 && reached <= 51, `${reached} reached`);
  only(mail.incidents('password-guessing'));
});

test('S8: 152 networks, seven tries each: at most a quarter reaches a password', () => {
  const mail = site();
  const reached = count(1063, (i) =>
    mail.login(start + i * 8 * second, addressOf(60, i % 152), `info${i}`, { reason: 'unknown-account' }),
  );
  assert.ok(reached > 0 && reached <= 266, `${reached} reached`);
  const incident = only(mail.incidents('password-guessing'));
  assert.ok(incident.actorCount >= 150, `${incident.actorCount}`);
});

test('S9: 139 addresses, one try an hour over 13 logins, are one incident with most of them', () => {
  const mail = site();
  for (let i = 0; i < 139; i++) mail.login(start + i * 54 * minute, addressOf(70, i * 300), `user${i % 13}`);
  assert.ok(only(mail.incidents('password-guessing')).actorCount >= 100);
});

test('S10: one password on 2,000 accounts from 2,000 addresses is one incident with nearly all of them', () => {
  const mail = site();
  for (let i = 0; i < 2000; i++)
    mail.judge.tell(
      fact(start + i * 43 * second, 'auth', {
        outcome: 'failure',
        client: addressOf(80, i),
        account: `u${i}@lab.test`,
        password: 'a94a8f',
      }),
    );
  assert.ok(only(mail.incidents('password-guessing')).actorCount >= 1900);
});

test('S13: a script that sends fifty a minute is named', () => {
  const mail = site();
  for (let i = 0; i < 600; i++)
    mail.judge.tell(
      fact(start + i * 1200, 'delivery', {
        user: 'www-data',
        sender: 'www-data@lab.test',
        recipient: `r${i}@far.test`,
        remote: true,
        outcome: 'sent',
      }),
    );
  assert.equal(only(mail.incidents('outbound-flood')).actors[0]?.value, 'www-data');
});

test('an alias that sends a flood on is named, with the command that switches it off', () => {
  const mail = site();
  for (let i = 0; i < 600; i++)
    mail.judge.tell(
      fact(start + i * 1200, 'delivery', {
        client: addressOf(90, i),
        sender: `s${i}@spam.test`,
        recipient: 'me@far.test',
        origin: 'info@lab.test',
        remote: true,
        outcome: i % 2 === 0 ? 'sent' : 'bounced',
      }),
    );
  const incident = only(mail.incidents('outbound-flood'));
  assert.equal(incident.actors[0]?.value, 'info@lab.test');
  assert.ok(
    incident.advice.some((sentence) => sentence.includes('postern forwards off info@lab.test')),
    incident.advice.join('\n'),
  );
});

test('a forward loop and an alias loop are named, each by its address', () => {
  const mail = site();
  const looped = { reason: 'loop', origin: 'Ring@lab.test', recipient: 'back@ring.test' } as const;
  mail.judge.tell(fact(start, 'message', { client: '192.0.2.26', ...looped }));
  mail.judge.tell(fact(start, 'message', { reason: 'loop', origin: 'twin@lab.test', recipient: 'twin@lab.test' }));
  const named = mail.incidents('outbound-flood').map(({ actors, counts, why }) => [actors[0]?.value, counts, why]);
  assert.equal(named.length, 2);
  const find = (address: string): string => JSON.stringify(named.find(([value]) => value === address));
  assert.match(find('ring@lab.test'), /"loopReturns":1.*sent on to back@ring\.test/);
  assert.match(find('twin@lab.test'), /"aliasLoops":1.*an alias loop/);
});

test('a name that a shell would read as more than a name stands in no command', () => {
  for (const target of ["x'; rm -rf /; '@lab.test", '--state@lab.test', '$(id)@lab.test']) {
    const advice = adviceFor('outbound-flood', { crowd: false, eventsBefore: 1, target });
    assert.ok(advice.length > 0 && !advice.some((sentence) => sentence.includes('forwards off')), target);
  }
});

test('B1, B2: ordinary servers and list servers with up to 10 % stale addresses are never refused', () => {
  const mail = site();
  const next = dice(5);
  let refused = 0;
  for (let i = 0; i < 60_000; i++) {
    const list = i % 3 === 0;
    const who = list ? i % 60 : i % 1500;
    const bad = next() < (list ? 0.01 + (who % 10) / 100 : 0.012);
    const client = addressOf(list ? 110 : 100, who);
    if (mail.recipient(start + i * 2 * second, client, `m${i}@lab.test`, !bad) === 'hidden') refused++;
  }
  assert.deepEqual(mail.judge.report().incidents, []);
  assert.ok(refused <= 30, `${refused} of 60,000 put off`);
});

test('B5, B6: home users who mistype and phones with an old password are never refused', () => {
  const mail = site();
  const next = dice(6);
  for (let i = 0; i < 20_000; i++) {
    const who = i % 500;
    const stale = who % 10 === 0;
    const client = addressOf(100, who);
    const time = start + i * 100 * second;
    if (stale || next() < 0.05) assert.ok(mail.login(time, client, `user${who}@lab.test`), `user${who}`);
    else mail.judge.tell(fact(time, 'auth', { outcome: 'success', client, account: `user${who}@lab.test` }));
  }
  assert.deepEqual(mail.judge.report().incidents, []);
});

test('attacks mixed with honest mail stay apart: one incident each, its own actors, nobody else', () => {
  const mail = site();
  const next = dice(8);
  for (let i = 0; i < 6000; i++) {
    const time = start + i * 5 * second;
    if (i > 1500 && i % 4 === 0) mail.recipient(time, addressOf(20, i), `guess${i}@lab.test`, false);
    if (i > 2000 && i % 5 === 0) mail.login(time, addressOf(60, i % 150), `info${i}`, { reason: 'unknown-account' });
    if (i > 2500 && i % 7 === 0) mail.recipient(time, '203.0.113.7', `word${i}@other.test`, false);
    if (i > 3000 && i % 6 === 0) mail.send(time, '198.51.100.9', 'boss@lab.test', `r${i}@far.test`, next() < 0.5);
    mail.recipient(time + 1, addressOf(100, i % 300), `m${i}@lab.test`, next() > 0.02);
  }
  const { incidents } = mail.judge.report();
  const attacks = incidents.map(({ attack }) => attack).toSorted();
  assert.deepEqual(attacks, ['compromised-account', 'dictionary', 'dictionary', 'password-guessing']);
  const innocent = incidents.flatMap(({ actors }) => actors.filter(({ value }) => value.startsWith('100.')));
  assert.deepEqual(innocent, []);
});
