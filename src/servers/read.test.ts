/** The reader of any log, against what the real servers wrote (test/fixtures), and against hostile lines. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Event } from '../model/event.ts';
import { utcZone } from '../protocols/syslog/zone.ts';
import { createLogReader } from './read.ts';
import { recent } from './recent.ts';

const latest = Date.UTC(2026, 10, 21, 12);
const readAll = (
  lines: readonly string[],
): { events: Event[]; understood: string[]; format: string; servers: readonly string[] } => {
  const reader = createLogReader(utcZone, () => latest);
  const events: Event[] = [];
  const understood = lines.map((line) => reader.read(line, (event) => events.push(event)));
  return { events, understood, format: reader.format(), servers: reader.servers() };
};

const lines = {
  journal:
    '{"__REALTIME_TIMESTAMP":"1795219831000000","SYSLOG_IDENTIFIER":"postfix/smtpd","_PID":"1","MESSAGE":"connect from unknown[192.0.2.1]"}',
  exchange: '2026-11-21T00:10:31.000Z,C,08D,1,10.0.0.1:25,192.0.2.1:5555,+,,',
  postfix: 'Nov 21 00:10:31 mx postfix/smtpd[12]: connect from unknown[192.0.2.1]',
  dovecot:
    'Nov 21 00:10:31 mx dovecot: imap-login: Login: user=<a@lab.test>, method=PLAIN, rip=192.0.2.1, lip=127.0.0.1, mpid=1, session=<x>',
  dovecotFile:
    'Nov 21 00:10:31 imap-login: Info: Login: user=<a@lab.test>, method=PLAIN, rip=192.0.2.1, lip=127.0.0.1, mpid=1, session=<x>',
  exim: '2026-11-21 00:10:31 H=(x) [192.0.2.1] F=<s@a.test> rejected RCPT <n@lab.test>: Unrouteable address',
};

test('journalctl -o export is read entry by entry', () => {
  const { events, understood } = readAll([
    '__CURSOR=s=1',
    '__REALTIME_TIMESTAMP=1795219831000000',
    'SYSLOG_IDENTIFIER=postfix/smtpd',
    'MESSAGE=connect from unknown[192.0.2.1]',
    '',
    'Nov 21 00:10:31 mx postfix/smtpd[12]: connect from unknown[192.0.2.2]',
  ]);
  assert.deepEqual(
    events.map(({ client }) => client),
    ['192.0.2.1', '192.0.2.2'],
  );
  assert.ok(!understood.includes('malformed'));
});

test('the format is recognised by each line', () => {
  for (const line of Object.values(lines)) {
    const { events, understood } = readAll([line]);
    assert.deepEqual(understood, ['event'], line);
    assert.equal(events[0]?.client, '192.0.2.1');
    assert.equal(new Date(events[0]?.time ?? 0).toISOString(), '2026-11-21T00:10:31.000Z');
  }
  const all = readAll(Object.values(lines));
  assert.equal(all.events.length, 6);
  assert.deepEqual(new Set(all.servers), new Set(['postfix', 'dovecot', 'exim', 'exchange']));
});

test('a line is read through what containers and TCP put around it, and never out of a message', () => {
  const whole = lines.postfix;
  for (const line of [
    `mail-1  | 2026-11-21T00:10:31.1Z ${whole}`,
    JSON.stringify({ log: `${lines.exim}\n`, stream: 'stdout' }),
    `2026-11-21T00:10:31.1Z stdout F ${lines.dovecotFile}`,
    `99 <22>1 2026-11-21T00:10:31Z mx postfix/smtpd 12 - - connect from unknown[192.0.2.1]`,
  ]) {
    const { events, understood } = readAll([line]);
    assert.deepEqual([understood, events[0]?.client], [['event'], '192.0.2.1'], line);
  }
  const bait = 'Nov 21 00:10:31 mx postfix/smtpd[12]: connect from unknown[198.51.100.66]';
  const { events } = readAll([
    lines.exim,
    `  Subject: mail | ${bait}`,
    `\tmail | ${bait}`,
    `Nov 21 00:10:31 mx CRON[1]: mail | ${bait}`,
    `2026-11-21T00:10:31Z mx app[1]: 9 <22>${bait}`,
    `-- Boot mail | ${bait}`,
  ]);
  assert.deepEqual(
    events.map(({ client }) => client),
    ['192.0.2.1'],
  );
});

test('other programs are foreign, other text is malformed, neither tells anything', () => {
  const { events, understood } = readAll([
    'Nov 21 00:10:31 mx CRON[1]: (root) CMD (x)',
    '2026-11-21T09:17:24.429400+00:00 mx CRON[1]: (root) CMD (x)',
    'hello',
    '',
    '\0\0',
    'Nov 21 00:10:31 mx last message repeated 3 times',
  ]);
  assert.deepEqual(understood, ['foreign', 'foreign', 'malformed', 'malformed', 'malformed', 'foreign']);
  assert.deepEqual(events, []);
});

test('mutated lines never throw and never name a client that was not there', () => {
  const sources = Object.values(lines);
  const innocent = '198.51.100.66';
  fc.assert(
    fc.property(
      fc.constantFrom(...sources),
      fc.nat(200),
      fc.nat(8),
      fc.string({ unit: 'binary', maxLength: 12 }),
      (line, at, cut, noise) => {
        const { events } = readAll([line.slice(0, at) + noise + line.slice(at + cut)]);
        for (const event of events) assert.notEqual(event.client, innocent);
      },
    ),
    { numRuns: 500 },
  );
});

test('the recent are remembered, the old forgotten, within the bound', () => {
  const map = recent<number>(100);
  for (let i = 0; i < 1000; i++) {
    map.set(`k${i}`, i);
    assert.equal(map.get('k0'), 0, 'who is asked for stays');
  }
  assert.equal(map.get('k999'), 999);
  assert.equal(map.get('k500'), undefined);
  map.delete('k999');
  assert.equal(map.get('k999'), undefined);
});

test('what rsyslog folds together stands for all of its lines', () => {
  const login =
    'warning: h[192.0.2.1]: SASL LOGIN authentication failed: no, sasl_username=x message repeated 9 times: [ y]';
  const head = 'Nov 21 00:10:31 mx postfix/smtpd[12]: ';
  const { events, understood } = readAll([
    `${head}${login}`,
    `${head}message repeated 3 times: [ ${login}]`,
    `${head}message repeated 2 times: [ lost connection after AUTH from h[192.0.2.1]]`,
    'Nov 21 00:10:31 mx dovecot: message repeated 2 times: [ imap-login: Disconnected: Connection closed (auth failed, 4 attempts in 9 secs): user=<a>, method=PLAIN, rip=192.0.2.1, lip=127.0.0.1, session=<x>]',
    'Nov 21 00:10:31 mx postfix/qmgr[3]: message repeated 2 times: [ 4ABCDEF: from=<s@a.test>, size=9, nrcpt=5 (queue active)]',
  ]);
  assert.deepEqual(understood, ['event', 'event', 'known', 'event', 'event']);
  assert.deepEqual(
    events.map(({ kind, client, count, account }) => [kind, client, count, account?.endsWith(' y]')]),
    [
      ['auth', '192.0.2.1', undefined, true],
      ['auth', '192.0.2.1', 3, true],
      ['auth', '192.0.2.1', 8, false],
      ['message', undefined, 5, undefined],
    ],
  );
});

test('what BSD’s syslog says of the line before it is told of that line’s client', () => {
  const again = 'Nov 21 00:10:59 mx last message repeated 4 times';
  const { events, understood } = readAll([
    again,
    'Nov 21 00:10:31 mx postfix/smtpd[12]: warning: h[192.0.2.1]: SASL LOGIN authentication failed: no',
    again,
    'Nov 21 00:10:31 mx cron[7]: x',
    again,
    'Nov 21 00:10:31 mx postfix/smtpd[12]: lost connection after AUTH from h[192.0.2.1]',
    again,
    'Nov 21 00:10:59 mx last message repeated x times',
  ]);
  assert.deepEqual(understood, ['known', 'event', 'event', 'foreign', 'foreign', 'known', 'known', 'known']);
  assert.deepEqual(
    events.map(({ kind, client, count, time }) => [kind, client, count, time - Date.UTC(2026, 10, 21, 0, 10)]),
    [
      ['auth', '192.0.2.1', undefined, 31_000],
      ['auth', '192.0.2.1', 4, 59_000],
    ],
  );
});

test('UTF-16, as PowerShell writes it, with what a line feed leaves behind', () => {
  const text = `${lines.postfix.replace(' mx ', ' mx mail.info ')}\r\n#Software: Microsoft Exchange Server\r\n${lines.exchange}\r\n`;
  const wide = Buffer.from(`\ufeff${text}`, 'utf16le').toString('latin1').split('\n');
  const { events, understood } = readAll(wide);
  assert.deepEqual(understood, ['event', 'known', 'event', 'foreign']);
  assert.deepEqual(
    events.map(({ client }) => client),
    ['192.0.2.1', '192.0.2.1'],
  );
});

test('a header of another writer is read through, also behind lines of other programs', () => {
  for (const [head, other] of [
    ['Nov 21 00:10:31 mx mail.info ', 'Nov 21 00:10:30 mx daemon.info crond[7]: x'],
    ['Sat Nov 21 00:10:31 2026 mail.info ', 'Sat Nov 21 00:10:30 2026 daemon.info dnsmasq[7]: x'],
    ['Sat 2026-11-21 00:10:31 UTC mx ', 'Sat 2026-11-21 00:10:30 UTC mx cron[7]: x'],
  ] as const) {
    const message = 'postfix/smtpd[12]: connect from h[192.0.2.1]';
    const { events, understood } = readAll([other, `${head}${message}`, other, `${head}${message}`]);
    assert.deepEqual(understood, ['foreign', 'event', 'foreign', 'event'], head);
    assert.deepEqual(
      events.map(({ client, time }) => [client, time]),
      [0, 1].map(() => ['192.0.2.1', Date.UTC(2026, 10, 21, 0, 10, 31)]),
    );
  }
  assert.equal(
    readAll(['Nov 21 00:10:31 mx postfix/smtpd[12]: [ID 197553 mail.info] connect from h[192.0.2.1]']).events[0]
      ?.client,
    '192.0.2.1',
  );
  const { events } = readAll([
    lines.postfix,
    'Nov 21 00:10:31 mx app[3]: Nov 21 00:10:31 mx mail.info postfix/smtpd[12]: connect from h[198.51.100.66]',
    'Nov 21 00:10:31 mx mail.info postfix/smtpd[12]: connect from h[198.51.100.66]',
  ]);
  assert.deepEqual(
    events.map(({ client }) => client),
    ['192.0.2.1'],
    'a log has one kind of header',
  );
});

test('no line of what the real servers wrote is a stranger, and no name in it is believed', () => {
  const folder = join(import.meta.dirname, '../../test/fixtures');
  const files = globSync('*/provoked-*.log', { cwd: folder });
  assert.ok(files.length > 10);
  for (const file of files) {
    const whole = readFileSync(join(folder, file), 'latin1').trimEnd().split('\n');
    const { events, understood } = readAll(whole.filter((line) => !line.startsWith('# ')));
    assert.ok(events.length > 4, file);
    assert.deepEqual(
      understood.filter((one) => one === 'unmatched' || one === 'malformed'),
      [],
      file,
    );
    assert.ok(!events.some(({ client }) => client === '192.0.2.66'), file);
  }
});
