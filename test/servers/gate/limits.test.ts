/** Each limit of the gate, met by real sessions: what is beyond it hears so, what was before stays, and 0 is no limit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { defaultGateLimits } from '../../../src/sense/gate/limits.ts';
import type { GateLimits } from '../../../src/sense/gate/limits.ts';
import { dialSmtp } from '../lab/dialogue.ts';
import type { SmtpDialogue } from '../lab/dialogue.ts';
import { labClosed } from '../lab/door.ts';
import { startLibrary } from '../lab/library.ts';
import { hasIPv6 } from '../lab/network.ts';
import { accept, behind, dial, known, openGate, port } from './scene.ts';

const none = Object.fromEntries(Object.keys(defaultGateLimits).map((name) => [name, 0]));
/** No limit but these. */
const only = (limits: Partial<GateLimits>): GateLimits => ({ ...defaultGateLimits, ...none, ...limits });

/** @returns the code of the greeting; the connection stays open */
const knock = async (from: string, to = '127.0.0.1'): Promise<number> => {
  const smtp = await dialSmtp({ from, to, port });
  open.push(smtp);
  return smtp.greeting.code;
};
const open: SmtpDialogue[] = [];
const leaveAll = async (): Promise<void> => {
  for (const smtp of open.splice(0)) {
    if (smtp.greeting.code === 220) await smtp.quit();
    else smtp.hangUp();
  }
};

const knocks = async (clients: readonly string[], to?: string): Promise<readonly number[]> => {
  const codes: number[] = [];
  for (const client of clients) codes.push(await knock(client, to));
  return codes;
};

const four = (client: string): readonly string[] => [client, client, client, client];

test('connections at once: a client, its network, an allowance, none', { skip: labClosed }, async (t) => {
  const limits = only({ connectionsAtOnce: 2, connectionsAtOnceOfNetwork: 3 });
  const allowances = [
    { network: '203.0.113.0/24', factor: 0 },
    { network: '198.51.100.0/24', factor: 2 },
    { network: '198.51.100.9', factor: 1 },
  ];
  await t.test('IPv4', async (inner) => {
    const scene = await openGate(inner, { limits, allowances });
    assert.deepEqual(await knocks(four('192.0.2.1')), [220, 220, 421, 421]);
    assert.deepEqual(await knocks(['192.0.2.2', '192.0.2.3']), [220, 421], 'three of its network');
    assert.deepEqual(await knocks(four('198.51.100.1')), [220, 220, 220, 220], 'twice as many');
    assert.deepEqual(await knocks(four('198.51.100.9')), [421, 421, 421, 421], 'its network has more than three');
    assert.deepEqual(await knocks([...four('203.0.113.1'), '203.0.113.1']), [220, 220, 220, 220, 220], 'exempt');
    scene.decide = known;
    assert.deepEqual(await knocks(four('192.0.2.1')), [220, 220, 220, 220], 'who is known is not counted');
    scene.decide = () => accept;
    await leaveAll();
    await scene.until(() => scene.told.filter(({ kind }) => kind === 'disconnect').length === 16);
    assert.deepEqual(await knocks(['192.0.2.1', '192.0.2.1']), [220, 220], 'who has left makes room');
    await leaveAll();
    assert.deepEqual(
      new Set(scene.told.filter(({ kind }) => kind === 'limit').map(({ reason }) => reason)),
      new Set(['concurrency']),
    );
  });
  if (!hasIPv6) return;
  await t.test('IPv6', async (inner) => {
    await openGate(inner, { limits }, '::1');
    assert.deepEqual(
      await knocks(['2001:db8:1::1', '2001:db8:1::2', '2001:db8:1::3'], '::1'),
      [220, 220, 421],
      'a /64',
    );
    assert.deepEqual(await knocks(['2001:db8:1:2::1', '2001:db8:1:3::1'], '::1'), [220, 421], 'a /48');
    assert.deepEqual(await knocks(['2001:db8:2::1'], '::1'), [220]);
    await leaveAll();
  });
});

test('connections a minute, also of a network', { skip: labClosed }, async (t) => {
  const scene = await openGate(t, {
    limits: only({ connectionsPerMinute: 3, connectionsPerMinuteOfNetwork: 5 }),
  });
  // Whenever a new minute begins, it is counted anew: twelve in a row meet the limit in any case.
  const codes = await knocks(Array.from({ length: 12 }, () => '192.0.2.1'));
  await leaveAll();
  const welcome = codes.filter((code) => code === 220).length;
  assert.ok(welcome >= 3 && welcome <= 6, codes.join(', '));
  const neighbours = await knocks(Array.from({ length: 20 }, (_, at) => `192.0.2.${at + 10}`));
  await leaveAll();
  assert.ok(neighbours.filter((code) => code === 220).length <= 10, neighbours.join(', '));
  assert.ok(scene.told.some(({ kind, reason }) => kind === 'limit' && reason === 'connection-rate'));
});

const hello = async (from: string): Promise<SmtpDialogue> => {
  const smtp = await dial(from);
  await smtp.say('EHLO client.test', 250);
  return smtp;
};

test('recipients a message: the first ones have it, the others come again', { skip: labClosed }, async (t) => {
  await using library = await startLibrary();
  await openGate(t, { backend: behind(library.address), limits: only({ recipientsPerMessage: 3 }) });
  const smtp = await hello('203.0.113.1');
  let left = ['a@lab.test', 'b@lab.test', 'c@lab.test', 'd@lab.test', 'e@lab.test'];
  for (let messages = 0; left.length > 0; messages++) {
    assert.ok(messages < 2, 'no more than two are needed');
    await smtp.say('MAIL FROM:<s@remote.test>', 250);
    const again: string[] = [];
    for (const recipient of left) {
      const { code } = await smtp.say(`RCPT TO:<${recipient}>`);
      if (code === 452) again.push(recipient);
      else assert.equal(code, 250);
    }
    await smtp.message('Subject: to many\n\nx\n', 250);
    left = again;
  }
  await smtp.quit();
  assert.deepEqual(
    library
      .messages()
      .map((message) => message.split('\n', 1)[0]?.trimEnd())
      .toSorted((a = '', b = '') => a.localeCompare(b)),
    ['s@remote.test a@lab.test b@lab.test c@lab.test', 's@remote.test d@lab.test e@lab.test'],
  );
});

test('messages a connection: 421, and the next one welcome', { skip: labClosed }, async (t) => {
  await openGate(t, { limits: only({ messagesPerConnection: 2 }) });
  for (const _ of ['one', 'another']) {
    const smtp = await hello('203.0.113.1');
    for (let message = 0; message < 2; message++)
      await smtp.send('s@remote.test', ['alice@lab.test'], 'Subject: x\n\nx\n');
    await smtp.say('MAIL FROM:<s@remote.test>', 421);
    await smtp.closed();
  }
});

/** Says it until it is told to go. @returns how many were answered before */
const sayOn = async (from: string, line: string, most: number): Promise<number> => {
  const smtp = await hello(from);
  for (let said = 0; said < most; said++) {
    const { code } = await smtp.say(line);
    if (code !== 421) continue;
    await smtp.closed();
    return said;
  }
  await smtp.quit();
  return most;
};

const repeats = ['RSET', 'NOOP', 'VRFY alice', 'EXPN list', 'HELP', 'ETRN lab.test', 'EHLO again', 'HELO again'];
const errors = ['FOO', 'MAIL FROM:bad', 'RCPT TO:<alice@lab.test>', 'DATA', 'BDAT x', 'EHLO', 'AUTH PLAIN AGEAYg=='];

test('what has no end ends, whichever command it is', { skip: labClosed }, async (t) => {
  await t.test('idle commands', async (inner) => {
    await openGate(inner, { limits: only({ idleCommandsPerConnection: 5 }) });
    // The first EHLO counts as well.
    for (const line of repeats) assert.ok((await sayOn('203.0.113.1', line, 20)) <= 5, line);
  });
  await t.test('errors', async (inner) => {
    await openGate(inner, { limits: only({ errorsPerConnection: 5 }) });
    for (const line of errors) assert.equal(await sayOn('203.0.113.1', line, 20), 4, line);
  });
  await t.test('no limits', async (inner) => {
    await openGate(inner, { limits: only({}) });
    for (const line of [...repeats, ...errors]) assert.equal(await sayOn('203.0.113.1', line, 50), 50, line);
  });
});

test('any command can be switched off', { skip: labClosed }, async (t) => {
  const disabled = ['vrfy', 'HELP', 'BDAT', 'Etrn', 'AUTH', 'STARTTLS', 'HELO'];
  await openGate(t, { limits: only({}), disabled });
  const smtp = await dial('203.0.113.1');
  await smtp.say('HELO client.test', 502);
  const { text } = await smtp.say('EHLO client.test', 250);
  assert.doesNotMatch(text, /STARTTLS|AUTH|CHUNKING/);
  assert.match(text, /PIPELINING/);
  for (const line of ['VRFY alice', 'HELP', 'BDAT 0 LAST', 'ETRN x', 'AUTH PLAIN', 'STARTTLS'])
    await smtp.say(line, 502);
  await smtp.send('s@remote.test', ['alice@lab.test'], 'Subject: x\n\nx\n');
  await smtp.quit();
});

test('unknown recipients: after some, each answer waits, and nobody else does', { skip: labClosed }, async (t) => {
  await openGate(t, { limits: only({ unknownBeforeDelay: 2 }) });
  const guesser = await hello('203.0.113.1');
  await guesser.say('MAIL FROM:<s@remote.test>', 250);
  for (const name of ['one', 'two']) await guesser.say(`RCPT TO:<${name}@lab.test>`, 550);
  const began = performance.now();
  await guesser.say('RCPT TO:<three@lab.test>', 550);
  assert.ok(performance.now() - began > 900, 'the third one waits for a second');
  // The next ones, for twenty seconds together, are still unanswered when a whole good session has come and gone.
  let isAnswered = false;
  const next = guesser
    .pipeline(['four', 'five', 'six', 'seven', 'eight'].map((name) => `RCPT TO:<${name}@lab.test>`))
    .then(() => (isAnswered = true));
  const smtp = await hello('203.0.113.2');
  await smtp.send('s@remote.test', ['alice@lab.test'], 'Subject: x\n\nx\n');
  await smtp.quit();
  assert.equal(isAnswered, false);
  guesser.hangUp();
  await next;
});

test('a header too large, a line too long, and a message that goes in circles', { skip: labClosed }, async (t) => {
  const limits = only({ headerBytesPerMessage: 2000, lineBytesPerMessage: 1000, hopsPerMessage: 5 });
  await using library = await startLibrary();
  await openGate(t, { backend: behind(library.address), limits });
  const rows: readonly (readonly [string, number])[] = [
    [`${'Received: from x\r\n'.repeat(5)}\r\nx`, 250],
    [`${'Received: from x\r\n'.repeat(6)}\r\nx`, 554],
    [`${'X: yyyyyy\r\n'.repeat(170)}\r\nx`, 250],
    [`${'X: yyyyyy\r\n'.repeat(190)}\r\nx`, 552],
    [`Subject: x\r\n\r\n${'x'.repeat(998)}`, 250],
    [`Subject: x\r\n\r\n${'x'.repeat(999)}`, 554],
  ];
  const begin = async (): Promise<SmtpDialogue> => {
    const smtp = await hello('203.0.113.1');
    await smtp.say('MAIL FROM:<s@remote.test>', 250);
    await smtp.say('RCPT TO:<alice@lab.test>', 250);
    return smtp;
  };
  for (const [content, code] of rows) {
    const smtp = await begin();
    await smtp.say('DATA', 354);
    await smtp.say(`${content}\r\n.`, code);
    await smtp.quit();
    const bdat = await begin();
    await bdat.say(`BDAT ${content.length + 2} LAST\r\n${content}`, code);
    await bdat.quit();
  }
  assert.equal(library.messages().length, rows.filter(([, code]) => code === 250).length * 2);
});

/** @returns what it heard until it was sent away */
const sayAtOnce = async (from: string, greeting: string, lines: readonly string[]): Promise<readonly number[]> => {
  const smtp = await dial(from);
  const codes = (await smtp.pipeline([greeting, ...lines])).map(({ code }) => code);
  smtp.hangUp();
  return codes;
};

test('who pipelines before it may does not listen', { skip: labClosed }, async (t) => {
  const scene = await openGate(t, { limits: only({}) });
  const rest = ['MAIL FROM:<s@remote.test>', 'RCPT TO:<alice@lab.test>'];
  assert.deepEqual(await sayAtOnce('203.0.113.1', 'EHLO early.test', rest), [554]);
  assert.deepEqual(await sayAtOnce('203.0.113.2', 'HELO early.test', rest), [554]);
  const old = await dial('203.0.113.3');
  await old.say('HELO old.test', 250);
  assert.deepEqual(
    (await old.pipeline(rest)).map(({ code }) => code),
    [554],
  );
  scene.decide = known;
  assert.deepEqual(await sayAtOnce('203.0.113.4', 'EHLO friend.test', rest), [250, 250, 250]);
  const told = scene.told.filter(({ kind, reason }) => kind === 'command-error' && reason === 'pipelining');
  assert.deepEqual(
    told.map(({ client }) => client),
    ['203.0.113.1', '203.0.113.2', '203.0.113.3'],
  );
});

const greeted = async (t: TestContext, settings: Parameters<typeof openGate>[1], isKnown: boolean): Promise<string> => {
  const scene = await openGate(t, { ...settings, greetPauseMs: 300 });
  if (isKnown) scene.decide = known;
  const smtp = await dial('203.0.113.1');
  const { text } = smtp.greeting;
  await smtp.quit();
  return text;
};

test('strangers hear a greeting of two lines with a pause between, others one', { skip: labClosed }, async (t) => {
  await t.test('stranger', async (inner) => {
    assert.equal(await greeted(inner, {}, false), 'gate.lab.test ESMTP\ngate.lab.test ESMTP');
  });
  await t.test('known', async (inner) => {
    assert.equal(await greeted(inner, {}, true), 'gate.lab.test ESMTP');
  });
});

test('other protocols hear one answer and are sent away', { skip: labClosed }, async (t) => {
  const scene = await openGate(t, { limits: only({}) });
  const hellos = [
    'GET / HTTP/1.1',
    'POST /x HTTP/1.0',
    'CONNECT a:25 HTTP/1.1',
    'Host: x',
    '\u0016\u0003\u0001\u0002\u0000',
  ];
  for (const line of hellos) {
    const smtp = await dial('203.0.113.1');
    await smtp.say(line, 554);
    await smtp.closed();
  }
  assert.equal(scene.told.filter(({ reason }) => reason === 'non-smtp').length, hellos.length);
});

test('foreign domains: for strangers never, for our own networks and domains yes', { skip: labClosed }, async (t) => {
  await using library = await startLibrary();
  const scene = await openGate(t, {
    backend: behind(library.address),
    limits: only({}),
    relayFrom: ['203.0.113.0/24'],
  });
  const offer = async (from: string, recipient: string): Promise<number> => {
    const smtp = await hello(from);
    await smtp.say('MAIL FROM:<s@remote.test>', 250);
    const { code } = await smtp.say(`RCPT TO:<${recipient}>`);
    if (code === 250) await smtp.message('Subject: x\n\nx\n', 250);
    await smtp.quit();
    return code;
  };
  assert.equal(await offer('198.51.100.1', 'x@elsewhere.test'), 554);
  for (const trick of ['x@lab.test.elsewhere.test', '"x@lab.test"@elsewhere.test', 'x%elsewhere.test@elsewhere.test'])
    assert.equal(await offer('198.51.100.1', trick), 554, trick);
  assert.equal(await offer('198.51.100.1', 'x@LAB.test'), 250);
  assert.equal(await offer('198.51.100.1', 'postmaster'), 250);
  assert.equal(await offer('203.0.113.1', 'x@elsewhere.test'), 250);
  assert.equal(library.messages().length, 3);
  assert.equal(scene.told.filter(({ outcome }) => outcome === 'relay-denied').length, 4);
});
