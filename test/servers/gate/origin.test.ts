/** What the gate asks the DNS (a real NSD) about strangers: seldom, once, last, and never to anybody's harm. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import type { OriginSettings } from '../../../src/sense/gate/origin.ts';
import { stoppable } from '../lab/daemon.ts';
import type { Stoppable } from '../lab/daemon.ts';
import { labClosed } from '../lab/door.ts';
import { hosts } from '../lab/network.ts';
import { startNsd } from '../lab/nsd.ts';
import { accept, dial, openGate } from './scene.ts';

const earPort = 5353;

/** Between gate and name server: hears what is asked, and can be deaf. */
type Ear = { readonly asked: string[]; deaf: boolean } & Stoppable;
const startEar = async (): Promise<Ear> => {
  const socket = createSocket('udp4');
  const forTcp = createServer((here) => {
    const there = connect(53, hosts.names);
    here.pipe(there).pipe(here);
    for (const end of [here, there]) end.on('error', () => end.destroy());
  }).listen(earPort, '127.0.0.1');
  const unanswered = new Set<string>();
  const ear: Ear = {
    asked: [],
    deaf: false,
    ...stoppable(async () => {
      socket.close();
      await forTcp[Symbol.asyncDispose]();
    }),
  };
  socket.on('message', (question, { port, address }) => {
    const labels: string[] = [];
    for (let at = 12; (question[at] ?? 0) > 0; at += (question[at] ?? 0) + 1)
      labels.push(question.toString('latin1', at + 1, at + 1 + (question[at] ?? 0)));
    const what = `${question.readUInt16BE(question.length - 4)} ${labels.join('.')}`;
    // One that is sent again, because the answer is slow, is one question.
    if (!unanswered.has(what)) ear.asked.push(what);
    if (ear.deaf) return;
    unanswered.add(what);
    const onward = createSocket('udp4');
    onward.on('message', (answer) => {
      socket.send(answer, port, address);
      unanswered.delete(what);
      onward.close();
    });
    onward.send(question, 53, hosts.names);
  });
  socket.bind(earPort, '127.0.0.1');
  await Promise.all([once(socket, 'listening'), once(forTcp, 'listening')]);
  return ear;
};

const zones = {
  test: [
    'good MX 10 mx.good',
    'address A 192.0.2.1',
    'six AAAA 2001:db8::1',
    'null MX 0 .',
    'words TXT "nothing here takes mail"',
    ...Array.from({ length: 60 }, (_, at) => `many MX ${at} a-name-that-is-long-enough-${at}.internet`),
  ],
  'bad.lists': ['66.113.0.203 A 127.0.0.2', '67.113.0.203 A 127.0.0.2', '68.113.0.203 A 127.255.255.254'],
  'worse.lists': ['66.113.0.203 A 127.0.0.4'],
  'nice.lists': ['67.113.0.203 A 127.0.5.1'],
};

const origin: OriginSettings = {
  checksSender: true,
  lists: [],
  refuseFrom: 2,
  servers: [{ host: '127.0.0.1', port: earPort }],
  perMinuteMax: 1000,
};

/** One recipient. @returns what was said to RCPT */
const offer = async (from: string, sender: string, recipient = 'alice@lab.test'): Promise<string> => {
  const smtp = await dial(from);
  await smtp.say('EHLO client.test', 250);
  await smtp.say(`MAIL FROM:<${sender}>`, 250);
  const { code, text } = await smtp.say(`RCPT TO:<${recipient}>`);
  if (code >= 500) assert.equal((await smtp.say('DATA')).code, 554);
  await smtp.quit();
  return `${code} ${text}`;
};

test('the domain of a sender: there or not, each asked about once', { skip: labClosed }, async (t) => {
  await using nsd = await startNsd(zones);
  assert.ok(nsd);
  await using ear = await startEar();
  const scene = await openGate(t, { origin });
  for (const domain of ['good.test', 'address.test', 'six.test', 'many.test'])
    assert.match(await offer('203.0.113.1', `s@${domain}`), /^250 /, domain);
  assert.match(await offer('203.0.113.1', ''), /^250 /);
  assert.match(await offer('203.0.113.1', 's@[203.0.113.1]'), /^250 /);
  assert.match(await offer('203.0.113.1', 's@null.test'), /^550 5\.7\.27 .*ref=/);
  assert.match(await offer('203.0.113.1', 's@words.test'), /^550 5\.1\.8 /);
  const asked = ear.asked.length;
  for (const client of ['203.0.113.2', '203.0.113.3'])
    assert.match(await offer(client, 's@Missing.test'), /^550 5\.1\.8 .*ref=/);
  assert.deepEqual(ear.asked.slice(asked), ['15 missing.test'], 'remembered, "no" as well');
  assert.ok(scene.notes.some((note) => note.kind === 'refusal' && note.why[0]?.subject === 'missing.test'));

  const before = ear.asked.length;
  assert.match(await offer('203.0.113.4', 's@fresh1.test', 'x@elsewhere.test'), /^554 /, 'a relay attempt');
  assert.match(await offer('203.0.113.4', 's@fresh2.test', 'nobody@lab.test'), /^550 5\.1\.1/, 'an unknown recipient');
  scene.decide = ({ stage }) =>
    stage === 'recipient'
      ? { kind: 'defer', reply: { code: '450', enhanced: '4.7.1', text: 'later' }, why: [] }
      : accept;
  assert.match(await offer('203.0.113.5', 's@fresh3.test'), /^450 /, 'a client that the judge refuses');
  scene.decide = ({ stage }) => (stage === 'connect' ? { kind: 'accept', why: [], known: true } : accept);
  assert.match(await offer('203.0.113.6', 's@fresh4.test'), /^250 /, 'a client that is known');
  assert.equal(ear.asked.length, before, 'none of these asked anything');
});

test('a name server that says nothing costs no mail', { skip: labClosed }, async (t) => {
  await using ear = await startEar();
  ear.deaf = true;
  await openGate(t, { origin });
  assert.match(await offer('203.0.113.1', 's@anywhere.test'), /^250 /);
  assert.ok(ear.asked.length > 0);
});

test('lists with weights, good ones and bad', { skip: labClosed }, async (t) => {
  await using nsd = await startNsd(zones);
  assert.ok(nsd);
  await using ear = await startEar();
  const lists = [
    { zone: 'bad.lists', weight: 2 },
    { zone: 'worse.lists', weight: 3 },
    { zone: 'nice.lists', weight: -2 },
  ];
  await openGate(t, { origin: { ...origin, lists } });
  assert.match(
    await offer('203.0.113.66', 's@good.test'),
    /^554 5\.7\.1 .*203\.0\.113\.66.*bad\.lists, worse\.lists ref=/,
  );
  assert.match(await offer('203.0.113.67', 's@good.test'), /^250 /, 'a good list outweighs a bad one');
  assert.match(await offer('203.0.113.68', 's@good.test'), /^250 /, 'a list that refuses to answer lists nobody');
  assert.match(await offer('203.0.113.69', 's@good.test'), /^250 /);
  assert.equal(ear.asked.filter((name) => name.includes('203')).length, 4 * lists.length);
});
