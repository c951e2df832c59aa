/**
 * The resolver (a real NSD) falls silent, fails, or is gone, while strangers come: after a few questions nobody asks it and
 * nobody waits for it any more, no honest sender is refused, what is remembered still holds; and when it is back, it is asked again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../lab/await.ts';
import { runCommand } from '../lab/daemon.ts';
import { labClosed } from '../lab/door.ts';
import { hosts } from '../lab/network.ts';
import { startNsd } from '../lab/nsd.ts';
import type { Nsd } from '../lab/nsd.ts';
import { dial, noLimits, openGate } from './scene.ts';

/** `src/sense/dns/lookups.ts`: how long it is left alone. */
const restMs = 30_000;
const failuresMax = 5;

/** Below `test` every domain that begins with `honest` takes mail, no other one does; the root is there, as at any resolver. */
const zones = {
  '.': ['postern TXT "the root"'],
  test: Array.from({ length: 300 }, (_, at) => `honest${at} MX 10 mx.remote`),
  'bad.lists': ['66.113.0.203 A 127.0.0.2'],
};
const broken = Object.fromEntries(Object.keys(zones).map((zone) => [zone, ['this is no record']]));

/** Counts what goes out to the name server, whether it gets there or not. */
const counting = `table ip asked {\n chain out { type filter hook output priority 0\n ip daddr ${hosts.names} udp dport 53 counter\n }\n}\n`;
const silence = `table ip silence {\n chain in { type filter hook input priority 0\n ip daddr ${hosts.names} udp dport 53 drop\n }\n}\n`;
const nft = (...args: readonly string[]): Promise<string> => runCommand('nft', args);
const questions = async (): Promise<number> =>
  Number(/counter packets (\d+)/.exec(await nft('list', 'table', 'ip', 'asked'))?.[1]);

const otherNames = '192.0.2.54';
const listed = '203.0.113.66';

let domains = 0;
const freshHonest = (): string => `honest${domains++}.test`;

/** One recipient. @returns what was said to RCPT */
const offer = async (domain: string, from = '203.0.113.1'): Promise<string> => {
  const smtp = await dial(from);
  await smtp.say('EHLO client.test', 250);
  await smtp.say(`MAIL FROM:<s@${domain}>`, 250);
  const { code, text } = await smtp.say('RCPT TO:<alice@lab.test>');
  if (code === 250) await smtp.message('Subject: names\n\nx\n', 250);
  await smtp.quit();
  return `${code} ${text}`;
};
const offerHonest = async (): Promise<void> => assert.match(await offer(freshHonest()), /^250 /);

/** From one name server, or none, to another. */
type Turn = (nsd: Nsd) => Promise<Nsd>;
const instead =
  (other: Parameters<typeof startNsd>[0]): Turn =>
  async (nsd) => {
    await nsd.stop();
    return startNsd(other);
  };
const failures = new Map<string, { readonly begin: Turn; readonly end: Turn }>([
  [
    'says nothing',
    {
      begin: async (nsd) => {
        await runCommand('nft', ['-f', '-'], silence);
        return nsd;
      },
      end: async (nsd) => {
        await nft('delete', 'table', 'ip', 'silence');
        return nsd;
      },
    },
  ],
  ['fails', { begin: instead(broken), end: instead(zones) }],
  [
    'is gone',
    {
      begin: async (nsd) => {
        await nsd.stop();
        return nsd;
      },
      end: () => startNsd(zones),
    },
  ],
]);

for (const [what, { begin, end }] of failures)
  test(`a resolver that ${what} is left alone, and nobody waits for it`, { skip: labClosed }, async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    /** Time goes on while it is not so: a second each time it is asked. */
    const untilSo = (complaint: string, isSo: () => Promise<boolean>): Promise<void> =>
      until(
        () => complaint,
        () => {
          t.mock.timers.tick(1000);
          return isSo();
        },
      );
    await using stack = new AsyncDisposableStack();
    let nsd = await startNsd(zones);
    stack.defer(() => nsd.stop());
    await runCommand('nft', ['-f', '-'], counting);
    stack.defer(async () => void (await nft('delete', 'table', 'ip', 'asked')));
    const lists = [{ zone: 'bad.lists', weight: 2 }];
    const servers = [{ host: hosts.names, port: 53 }];
    await openGate(t, {
      limits: noLimits,
      origin: { checksSender: true, lists, refuseFrom: 2, servers, perMinuteMax: 1000 },
    });
    const remembered = async (): Promise<void> => {
      assert.match(await offer('forged.test'), /^550 5\.1\.8 /);
      assert.match(await offer(freshHonest(), listed), /^554 5\.7\.1 .*bad\.lists/);
    };
    await offerHonest();
    await remembered();

    nsd = await begin(nsd);
    const before = await questions();
    await Promise.all(Array.from({ length: failuresMax }, offerHonest));
    assert.ok((await questions()) - before >= failuresMax, 'it was asked');
    await untilSo('it is asked on and on', async () => {
      const asked = await questions();
      await offerHonest();
      return (await questions()) === asked;
    });
    const atRest = await questions();
    for (let session = 0; session < 20; session++) await offerHonest();
    assert.match(await offer('forged-too.test'), /^250 /, 'what cannot be found out is held against nobody');
    await remembered();
    assert.equal(await questions(), atRest, 'nobody asked, so nobody waited');

    t.mock.timers.tick(restMs);
    await offerHonest();
    await untilSo('it is not tried after its rest', async () => (await questions()) > atRest);
    await offerHonest();

    nsd = await end(nsd);
    await untilSo('it is never asked again', async () =>
      (await offer(`forged${domains++}.test`)).startsWith('550 5.1.8'),
    );
    await offerHonest();
  });

test('what one resolver does not know because it refuses, the next one is asked', { skip: labClosed }, async (t) => {
  await using refusing = await startNsd({ 'elsewhere.lists': [] });
  await using knowing = await startNsd(zones, otherNames);
  const servers = [hosts.names, otherNames].map((host) => ({ host, port: 53 }));
  await openGate(t, { origin: { checksSender: true, lists: [], refuseFrom: 1, servers, perMinuteMax: 1000 } });
  assert.match(await offer('forged.test'), /^550 5\.1\.8 /);
  await offerHonest();
  assert.ok((await refusing.questions()) >= 2 && (await knowing.questions()) >= 2);
});
