import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../change.ts';
import { sendmailMc, setUpSendmail, setUpSendmailMc } from './setup.ts';

const endpoints = {
  policy: '127.0.0.1:10040',
  milter: '127.0.0.1:10041',
  readsocket: '127.0.0.1:10042',
  authPolicy: '127.0.0.1:10043',
};
const textOf = (change: Change): string => {
  assert.ok(change.kind === 'changed');
  return change.text;
};

test('Sendmail: one filter without F=, before those that are there', () => {
  const text = textOf(setUpSendmail('V10\nS1\nR$* $1\n', endpoints));
  assert.match(text, /^O InputMailFilters=postern\nXpostern, S=inet:10041@127\.0\.0\.1, T=/m);
  assert.deepEqual(setUpSendmail(text, endpoints), { kind: 'nothing' });
  const beside = textOf(setUpSendmail('O InputMailFilters=opendkim\nXopendkim, S=local:/run/x\n', endpoints));
  assert.match(beside, /^O InputMailFilters=postern,opendkim\nXopendkim[^]*^Xpostern, /m);
  assert.deepEqual(setUpSendmail(beside, endpoints), { kind: 'nothing' });
  assert.equal(setUpSendmail('Xpostern, S=inet:1@127.0.0.1\n', endpoints).kind, 'by-hand');
});

test('Sendmail: what is commented out is not set up', () => {
  const commented = '#O InputMailFilters=postern\n#Xpostern, S=inet:10041@127.0.0.1\n';
  assert.equal(setUpSendmail(commented, endpoints).kind, 'changed');
  const mc = "dnl INPUT_MAIL_FILTER(`postern', `S=inet:10041@127.0.0.1')\n";
  const text = textOf(setUpSendmailMc(mc, endpoints));
  assert.match(text, /^INPUT_MAIL_FILTER\(`postern', `S=inet:10041@127\.0\.0\.1, T=/m);
  assert.deepEqual(setUpSendmailMc(text, endpoints), { kind: 'nothing' });
});

test('Sendmail: the same limits for the .mc and the access map; 0 is none', () => {
  const limits = {
    connectionsPerMinute: 60,
    connectionsAtOnce: 20,
    recipientsPerMessage: 100,
    unknownBeforeDelay: 0,
    greetPauseMs: 2000,
  };
  const { mc, access } = sendmailMc(endpoints, limits);
  for (const word of [
    'ratecontrol',
    'conncontrol',
    "greet_pause', `2000'",
    'delay_checks',
    "MAX_RCPTS_PER_MESSAGE', `100'",
  ])
    assert.ok(
      mc.some((line) => line.includes(word)),
      word,
    );
  assert.ok(!mc.join().includes('BAD_RCPT_THROTTLE'));
  assert.ok(access.includes('ClientRate:\t60') && access.includes('ClientConn:\t20'));
});

test('Sendmail: an IPv6 address has a family of its own and no brackets', () => {
  const inet6 = { ...endpoints, milter: '[::1]:10041' };
  const text = textOf(setUpSendmail('V10\n', inet6));
  assert.match(text, /^Xpostern, S=inet6:10041@::1, T=/m);
  assert.deepEqual(setUpSendmail(text, inet6), { kind: 'nothing' });
});

test('Sendmail: a unix socket where there is one', () => {
  const text = textOf(setUpSendmail('V10\n', { ...endpoints, milterSocket: '/var/lib/postern/milter.sock' }));
  assert.match(text, /^Xpostern, S=local:\/var\/lib\/postern\/milter\.sock, T=/m);
  assert.deepEqual(setUpSendmail(text, { ...endpoints, milterSocket: '/var/lib/postern/milter.sock' }), {
    kind: 'nothing',
  });
});
