/** Stolen accounts and honest senders (DETECTION B.11, S11, S12), played over many seeds, at 5,000 messages an hour and at 30. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { day, dice, fact, hour, minute, only, second, site, start } from '../../test/judge/site.ts';
import type { Site } from '../../test/judge/site.ts';

/** One in each network. */
const addressOf = (i: number): string => `90.${(i >> 8) & 255}.${i & 255}.9`;

/** @returns how many messages a thief got out before the account was held */
const stolen = (mail: Site, seed: number, gapMs: number, networks: number, account: string, from = start): number => {
  const next = dice(seed * 7919 + 1);
  let sent = 0;
  while (
    sent < 3000 &&
    mail.send(from + sent * gapMs, addressOf(sent % networks), account, `v${sent}@far.test`, next() < 0.3)
  )
    sent++;
  only(mail.incidents('compromised-account'));
  return sent;
};
const gaps = [0.72 * second, 2 * minute];

test('S11, S12: a stolen account that nobody knew, from everywhere or from one office, at 5,000 an hour or 30, is held within 60 messages', () => {
  for (const networks of [342, 3, 1])
    for (const gap of gaps) {
      const counts = Array.from({ length: 100 }, (_, seed) => stolen(site(), seed, gap, networks, 'boss@lab.test'));
      const inTime = counts.filter((sent) => sent <= 60).length;
      const mean = counts.reduce((sum, sent) => sum + sent) / counts.length;
      const where = `from ${networks} networks, a message each ${gap / second} s`;
      assert.ok(mean <= 45, `${mean} messages ${where}`);
      assert.ok(inTime >= 80, `${inTime} of 100 within 60 messages ${where}: ${counts.join(' ')}`);
    }
});

test('a newsletter to 2,000 with 10 % dead addresses goes out, also from an account that nobody knew', () => {
  let held = 0;
  for (let seed = 0; seed < 200; seed++) {
    const mail = site();
    const next = dice(seed * 104_729 + 1);
    const gap = [0.72 * second, 2 * second, minute][seed % 3] ?? second;
    for (let i = 0; i < 2000; i++)
      if (!mail.send(start + i * gap, '198.51.100.9', 'news@lab.test', `reader${i}@far.test`, next() < 0.1)) {
        held++;
        break;
      }
  }
  assert.ok(held <= 3, `${held} of 200`);
});

test('the dead addresses of a newsletter with forty recipients a message, which are told of first, hold nobody', () => {
  let held = 0;
  for (let seed = 0; seed < 100; seed++) {
    const mail = site();
    const next = dice(seed * 104_729 + 1);
    const common = { client: '198.51.100.9', account: 'news@lab.test', sender: 'news@lab.test' } as const;
    // Four messages are on their way at a time.
    for (let at = 0; at < 2000; at += 160) {
      const four = Array.from({ length: 4 }, (_, message) => ({ ...common, queueId: `Q${at}-${message}` }));
      for (const message of four) mail.judge.tell(fact(start + at * 100, 'message', { ...message, count: 40 }));
      const outcomes = four.flatMap((message) =>
        Array.from({ length: 40 }, (_, to) => {
          const dead = next() < 0.1;
          const recipient = `r${message.queueId}-${to}@far.test`;
          return {
            ...message,
            recipient,
            remote: true,
            outcome: dead ? 'bounced' : 'sent',
            dsn: dead ? '5.1.1' : '2.0.0',
          } as const;
        }),
      );
      // The dead ones of all four first.
      for (const told of outcomes.toSorted((a, b) => b.dsn.localeCompare(a.dsn)))
        mail.judge.tell(fact(start + at * 100 + second, 'delivery', told));
    }
    held += mail.incidents('compromised-account').length;
  }
  assert.ok(held <= 2, `${held} of 100`);
});

test('a thief who writes to forty at once is held after two messages', () => {
  const mail = site();
  const common = { client: '198.51.100.9', account: 'boss@lab.test', sender: 'boss@lab.test' } as const;
  for (let sent = 0; sent < 80; sent++) {
    const message = { ...common, queueId: `Q${Math.floor(sent / 40)}` };
    if (sent % 40 === 0) mail.judge.tell(fact(start + sent * minute, 'message', { ...message, count: 40 }));
    const dead = sent % 10 < 3;
    const told = { outcome: dead ? 'bounced' : 'sent', dsn: dead ? '5.1.1' : '2.0.0', remote: true } as const;
    mail.judge.tell(fact(start + sent * 100, 'delivery', { ...message, ...told, recipient: `v${sent}@far.test` }));
  }
  only(mail.incidents('compromised-account'));
});

test('five mistyped addresses in a row hold nobody, whether known here or not', () => {
  const mail = site();
  for (let i = 0; i < 7; i++)
    assert.ok(mail.send(start + i * minute, '198.51.100.9', 'new@lab.test', `friend${i}@gmial.test`, true));
  assert.deepEqual(mail.incidents('compromised-account'), []);
});

test('a hundred dead addresses an hour more than a ninth of what is delivered hold an account, whatever its share', () => {
  const home = '198.51.100.9';
  const mail = site();
  for (let i = 0; i < 200; i++) mail.send(start + i * hour, home, 'nicole@lab.test', `friend${i}@far.test`, false);
  let sent = 0;
  // At home and with credit the ratio tests let 20 % through.
  while (
    sent < 3000 &&
    mail.send(start + 10 * day + sent * 720, home, 'nicole@lab.test', `v${sent}@far.test`, sent % 5 === 4)
  )
    sent++;
  assert.ok(sent > 500 && sent < 1500, `${sent} messages`);
  assert.match(
    only(mail.incidents('compromised-account')).why,
    /reached 100 recipients that do not exist within an hour/,
  );
});

test('a stolen account with a history is held soon at 5,000 an hour and at 30; its owner’s newsletter and journeys are not', () => {
  const home = '198.51.100.9';
  const account = 'nicole@lab.test';
  /** Ten days of ordinary mail from home, with the odd dead address. */
  const withHistory = (): ReturnType<typeof site> => {
    const mail = site();
    for (let i = 0; i < 100; i++) mail.send(start + i * 2.4 * hour, home, account, `friend${i}@far.test`, i % 50 === 9);
    return mail;
  };
  const later = start + 10 * day;
  for (const gap of gaps) {
    const counts = Array.from({ length: 100 }, (_, seed) => stolen(withHistory(), seed, gap, 3, account, later));
    const inTime = counts.filter((sent) => sent <= 60).length;
    assert.ok(
      inTime >= 85,
      `${inTime} of 100 within 60 messages at a message each ${gap / second} s: ${counts.join(' ')}`,
    );
  }
  let held = 0;
  for (let seed = 0; seed < 40; seed++) {
    const mail = withHistory();
    const next = dice(seed * 104_729 + 1);
    // 2,000 from home with 10 % dead addresses, then 60 from a hotel with 4 %.
    for (let i = 0; i < 2000; i++)
      mail.send(later + i * 2 * second, home, account, `reader${i}@far.test`, next() < 0.1);
    for (let i = 0; i < 60; i++)
      mail.send(later + day + i * hour, '203.0.113.77', account, `guest${i}@far.test`, next() < 0.04);
    held += mail.incidents('compromised-account').length;
  }
  assert.equal(held, 0, `${held} of 40`);
});
