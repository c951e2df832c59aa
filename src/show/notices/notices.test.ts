/** Notices: what they say, that the webhook is signed and tried again, and that a crowd of them is one. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { Incident } from '../../model/report.ts';
import { createDispatch } from './dispatch.ts';
import type { Outbox } from './dispatch.ts';
import { mailChannel } from './mail.ts';
import { incidentNotice, noticeText, plainNotice } from './notice.ts';
import type { Channel, Notice } from './notice.ts';
import { webhookChannel } from './webhook.ts';

const memoryOutbox = (): Outbox => {
  const kept = new Map<number, ReturnType<Outbox['waiting']>[number]>();
  let last = 0;
  return {
    add: (channel, document) => {
      kept.set(++last, { id: last, time: Date.now(), channel, tries: 0, document });
      return last;
    },
    tried: () => undefined,
    remove: (id) => void kept.delete(id),
    waiting: () => [...kept.values()],
  };
};

const incident: Incident = {
  id: '7F3KQ2',
  attack: 'dictionary',
  standing: 'hostile',
  opened: 1_000,
  recognised: 1_200,
  last: 1_300,
  closed: undefined,
  distributed: false,
  eventsBeforeRecognition: 4,
  actors: [],
  actorCount: 3,
  targets: [{ kind: 'recipient-domain', value: 'lab.test\r\nBcc: x@evil.test\u001b[2J', events: 9 }],
  counts: { unknownRecipients: 9 },
  why: 'score 12 of 11.5',
  advice: [],
  campaign: undefined,
};

test('a notice is one line, whatever the attacker wrote, and says what to do next', () => {
  const notice = incidentNotice('opened', incident, 'mx.lab.test');
  assert.match(notice.title, /^opened: dictionary 7F3KQ2 against lab\.test/);
  assert.ok(!/\p{Cc}/u.test(notice.title), notice.title);
  assert.match(noticeText(notice), /postern undo 7F3KQ2/);
});

test('the webhook is signed, and tried again until it is taken', async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const [, seconds = '', signature = ''] =
        /^t=(\d+),v1=([0-9a-f]+)$/.exec(String(request.headers['postern-signature'])) ?? [];
      assert.equal(signature, createHmac('sha256', 'secret').update(`${seconds}.${body}`).digest('hex'));
      bodies.push(body);
      response.statusCode = bodies.length === 1 ? 503 : 204;
      response.end();
      server.emit('taken');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on TCP has such an address.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = server.address() as AddressInfo;
  const complaints: string[] = [];
  const dispatch = createDispatch([webhookChannel(`http://127.0.0.1:${port}/`, 'secret')], memoryOutbox(), (words) =>
    complaints.push(words),
  );
  dispatch.tell(incidentNotice('opened', incident, 'mx'));
  while (bodies.length < 2) await once(server, 'taken');
  assert.equal(bodies[0], bodies[1]);
  assert.equal(JSON.parse(bodies[0] ?? '').incident, '7F3KQ2');
  assert.deepEqual(complaints, []);
  await dispatch.stop();
  server.close();
});

test('what is not taken before a stop is told after the next start, once', async () => {
  const outbox = memoryOutbox();
  const notice = plainNotice('acted', 'blocked', '7F3KQ2', 5_000, 'mx');
  const isDown: Channel = { name: 'mail', send: () => Promise.reject(new Error('no route')) };
  const first = createDispatch([isDown], outbox, assert.fail);
  first.tell(notice);
  await first.stop();
  assert.equal(outbox.waiting().length, 1);
  const sent: Notice[] = [];
  const isUp: Channel = { name: 'mail', send: (taken) => Promise.resolve(void sent.push(taken)) };
  for (let start = 0; start < 2; start++) await createDispatch([isUp], outbox, assert.fail).stop();
  assert.deepEqual(sent, [notice]);

  outbox.add('webhook', JSON.stringify(notice));
  outbox.add('mail', 'damaged');
  const complaints: string[] = [];
  await createDispatch([isUp], outbox, (words) => complaints.push(words)).stop();
  assert.match(complaints.join('\n'), /webhook \(it is not configured any more\): blocked\n.*mail .*damaged/);
  assert.deepEqual(outbox.waiting(), []);
});

test('a stop waits two seconds at most, and lets go of what does not end', async () => {
  const silent = createTcpServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  // A server that listens on TCP has such an address.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = silent.address() as AddressInfo;
  const outbox = memoryOutbox();
  const mail = mailChannel({
    server: `smtp://127.0.0.1:${port}`,
    password: undefined,
    from: 'a@b.test',
    to: ['a@b.test'],
  });
  const dispatch = createDispatch([mail, webhookChannel(`http://127.0.0.1:${port}/`, 'secret')], outbox, assert.fail);
  const connected = once(silent, 'connection');
  dispatch.tell(plainNotice('acted', 'blocked', undefined, 5_000, 'mx'));
  const [socket]: Socket[] = await connected;
  const closed = once(socket ?? silent, 'close');
  socket?.resume();
  await dispatch.stop();
  await closed;
  assert.deepEqual(
    outbox.waiting().map(({ channel }) => channel),
    ['mail', 'webhook'],
  );
  silent.close();
});

test('a disk that keeps nothing keeps no notice from being sent', async () => {
  const full = (): never => {
    throw new Error('disk full');
  };
  const sent: Notice[] = [];
  const isUp: Channel = { name: 'mail', send: (taken) => Promise.resolve(void sent.push(taken)) };
  const complaints: string[] = [];
  const outbox: Outbox = { add: full, tried: full, remove: full, waiting: () => [] };
  const dispatch = createDispatch([isUp], outbox, (words) => complaints.push(words));
  dispatch.tell(plainNotice('acted', 'blocked', undefined, 5_000, 'mx'));
  await dispatch.stop();
  assert.equal(sent.length, 1);
  assert.match(complaints[0] ?? '', /not kept for a restart: disk full/);
});

test('beyond sixty an hour one says so, and then none', async () => {
  const sent: Notice[] = [];
  const channel: Channel = {
    name: 'list',
    send: (notice) => {
      sent.push(notice);
      return Promise.resolve();
    },
  };
  const dispatch = createDispatch([channel], memoryOutbox(), assert.fail);
  const hour = 3600_000;
  for (let at = 0; at < 200; at++) dispatch.tell(plainNotice('acted', `${at}`, undefined, 5 * hour + at, 'mx'));
  assert.equal(sent.length, 60);
  assert.match(sent.at(-1)?.title ?? '', /more than 60 notices/);
  dispatch.tell(plainNotice('acted', 'next hour', undefined, 6 * hour, 'mx'));
  assert.equal(sent.length, 61);
  await dispatch.stop();
});
