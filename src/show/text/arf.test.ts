import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Actor, Incident } from '../../model/report.ts';
import { arfOf, mboxOf } from './arf.ts';

const actor: Actor = { kind: 'client', value: '203.0.113.7', events: 40, first: 1_000, last: 9_000 };
const incident: Incident = {
  id: '7F3KQ2',
  attack: 'dictionary',
  standing: 'hostile',
  opened: 1_000,
  recognised: 1_200,
  last: 9_000,
  closed: undefined,
  distributed: false,
  eventsBeforeRecognition: 4,
  actors: [actor],
  actorCount: 1,
  targets: [{ kind: 'recipient-domain', value: 'lab.test', events: 9 }],
  counts: { unknownRecipients: 9 },
  why: 'score 12 of 11.5',
  advice: [],
  campaign: undefined,
};
const reporter = { org: 'Lab', contact: 'abuse@lab.test' };
const envelope = { to: 'abuse@isp.test', host: 'mx.lab.test', id: '550e8400-e29b', now: 1_795_000_000_000 };

/** Header and parts of a multipart mail (RFC 2046, section 5.1). */
const parsed = (mail: string): { head: string; parts: { head: string; body: string }[] } => {
  const cut = (text: string): { head: string; body: string } => {
    const at = text.indexOf('\r\n\r\n');
    return { head: text.slice(0, at), body: text.slice(at + 4) };
  };
  const { head, body } = cut(mail);
  const boundary = /boundary="([^"]+)"/.exec(head)?.[1] ?? '';
  const pieces = body.split(`--${boundary}`);
  assert.match(pieces.at(-1) ?? '', /^--\r\n$/);
  return { head, parts: pieces.slice(1, -1).map((piece) => cut(piece.slice(2))) };
};

test('a report has its three parts and their fields', () => {
  const mail = arfOf(incident, actor, reporter, envelope);
  assert.ok(mail !== undefined);
  const { head, parts } = parsed(mail);
  assert.match(head, /^Content-Type: multipart\/report; report-type=feedback-report;/m);
  assert.match(head, /^To: <abuse@isp\.test>$/m);
  assert.deepEqual(
    parts.map((part) => /^Content-Type: ([^;\r]+)/m.exec(part.head)?.[1]),
    ['text/plain', 'message/feedback-report', 'text/rfc822-headers'],
  );
  const fields = new Map(
    parts[1]?.body
      .trim()
      .split('\r\n')
      .map((line): [string, string] => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
  );
  assert.deepEqual(
    ['Feedback-Type', 'Version', 'Source-IP', 'Incidents', 'Reporting-MTA'].map((name) => fields.get(name)),
    ['abuse', '1', '203.0.113.7', '40', 'dns; mx.lab.test'],
  );
  assert.match(parts[0]?.body ?? '', /40 events from 203\.0\.113\.7/);
  assert.ok(!/^To:/m.test(parsed(arfOf(incident, actor, reporter, { ...envelope, to: undefined }) ?? '').head));
});

test('whatever an attacker wrote, it is text in its place', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (hostile) => {
      const text = `${hostile}\r\nBcc: x@evil.test\r\n\r\n--postern-guessed--\r\n`;
      const mail = arfOf({ ...incident, why: text }, actor, { ...reporter, org: text }, envelope) ?? '';
      const { head, parts } = parsed(mail);
      assert.ok(!/^Bcc/im.test(head));
      assert.equal(parts.length, 3);
      assert.ok(mail.split('\r\n').every((line) => Buffer.byteLength(line) <= 998 * 4 && !/[\r\n]/.test(line)));
    }),
  );
});

test('no report where the owner of a network can do nothing; several are one mbox', () => {
  assert.equal(arfOf({ ...incident, attack: 'backscatter' }, actor, reporter, envelope), undefined);
  assert.equal(arfOf(incident, { ...actor, kind: 'account' }, reporter, envelope), undefined);
  const mbox = mboxOf(['Subject: a\r\n\r\nFrom here\r\n', 'Subject: b\r\n\r\nb\r\n'], envelope);
  assert.equal(mbox.match(/^From postern@mx\.lab\.test \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/gm)?.length, 2);
  assert.match(mbox, /^>From here$/m);
});
