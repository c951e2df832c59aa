/** Access maps of real servers: the entry counts, everything else in the file is byte for byte as it was, and an end is an end. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { accessEntry } from '../../src/act/access-entry.ts';
import type { AccessWanted } from '../../src/act/access-entry.ts';
import { drift } from '../../src/act/drift.ts';
import { perform, planAll } from '../../src/act/perform.ts';
import { recover, undo } from '../../src/act/recover.ts';
import { createMissing } from '../../src/guard/acting/missing.ts';
import { openDesk } from '../../src/guard/desk.ts';
import type { OpenDesk } from '../../src/guard/desk.ts';
import { createAllowance } from '../../src/helper/allowance.ts';
import { createCarryOut } from '../../src/helper/carry-out.ts';
import { Fault } from '../../src/model/fault.ts';
import { until } from '../servers/lab/await.ts';
import { runCommand } from '../servers/lab/daemon.ts';
import { dialSmtp } from '../servers/lab/dialogue.ts';
import { labClosed, labDir } from '../servers/lab/door.ts';
import { layConfig } from '../servers/lab/machine.ts';
import { startPostfix } from '../servers/lab/postfix.ts';
import { startSendmail } from '../servers/lab/sendmail.ts';
import { startWorld } from '../servers/lab/world.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const client = '203.0.113.7';
/** Comments, a continued line, a byte that is no UTF-8, no newline at the end. */
const byHand = '# our own\n198.51.100.9\tREJECT go\n  away\n\n10.0.0.1 OK \xe4\n# last';

/** Not the time of reading: whoever looks changes it. */
type Kept = { readonly bytes: string; readonly mode: number; readonly modified: bigint };
const keptOf = (path: string): Kept => {
  const { mode, mtimeNs } = statSync(path, { bigint: true });
  return { bytes: readFileSync(path, 'latin1'), mode: Number(mode), modified: mtimeNs };
};

const writeByHand = (path: string): Kept => {
  rmSync(path, { force: true });
  rmSync(`${path}.db`, { force: true });
  writeFileSync(path, byHand, 'latin1');
  chmodSync(path, 0o640);
  utimesSync(path, 1_700_000_000.25, 1_700_000_000.5);
  return keptOf(path);
};

const withDesk = async (play: (desk: OpenDesk, state: string) => Promise<void>): Promise<void> => {
  const state = mkdtempSync(join(tmpdir(), 'postern-access-'));
  const places = new Map([['makemap', [`${labDir()}/sendmail/usr/libexec/sendmail/makemap`]]] as const);
  const desk = openDesk(state, { carryOut: createCarryOut(createAllowance({ places })) });
  try {
    await play(desk, state);
  } finally {
    desk.close();
    rmSync(state, { recursive: true });
  }
};

const order = { who: 'test', why: 'test', until: undefined, incident: undefined };
const wantedIn = (format: string, path: string, more: Partial<AccessWanted> = {}): AccessWanted => ({
  format,
  path,
  subject: client,
  tag: 'Connect',
  value: undefined,
  ...more,
});
const enter = async (desk: OpenDesk, wanted: AccessWanted, end?: number): Promise<string> => {
  const { receipt } = await perform(accessEntry, wanted, { ...order, until: end }, desk);
  return receipt?.id ?? assert.fail('nothing was done');
};

/** What the client hears when it asks for a recipient, or at the greeting. */
const heard = async (address: string, from = client): Promise<string> => {
  const smtp = await dialSmtp({ from, to: address, port: 25 });
  const replies = [
    await smtp.say('EHLO client.test'),
    await smtp.say('MAIL FROM:<s@remote.test>'),
    await smtp.say('RCPT TO:<alice@lab.test>'),
  ];
  smtp.hangUp();
  return replies.map(({ code }) => code).join(' ');
};

for (const { format, type } of [
  { format: 'postfix-hash', type: 'hash' },
  { format: 'postfix-texthash', type: 'texthash' },
  { format: 'postfix-cidr', type: 'cidr' },
]) {
  test(
    `Postfix ${type}: refused while the entry stands, and the file is as before after its end`,
    { skip: labClosed },
    async () => {
      await using world = await startWorld();
      const path = `${layConfig('postfix')}/client_access`;
      const before = writeByHand(path);
      if (type === 'hash') await runCommand('postmap', [`hash:${path}`]);
      await using postfix = await startPostfix({
        mainCf: { smtpd_client_restrictions: `check_client_access ${type}:${path}` },
      });
      assert.ok(world.log.traditional.length > 0);
      // What is built is looked at anew by each session; of a reload Postfix's processes hear when they come to it.
      const hears = async (expected: string): Promise<void> => {
        let codes = await heard(postfix.address);
        if (type !== 'hash')
          await until(
            () => `${codes}, not ${expected}`,
            async () => codes === expected || (codes = await heard(postfix.address)) === expected,
          );
        assert.equal(codes, expected);
      };
      await withDesk(async (desk) => {
        await hears('250 250 250');
        await enter(desk, wantedIn(format, path), Date.now() + 3600_000);
        await hears('250 250 554');
        assert.equal(await heard(postfix.address, '203.0.113.8'), '250 250 250');
        assert.equal(keptOf(path).mode, before.mode);
        const later = { ...desk, now: () => Date.now() + 3600_000 };
        assert.equal((await recover(later))[0]?.failed, false);
        assert.deepEqual(keptOf(path), before);
        await hears('250 250 250');
      });
    },
  );
}

test('Sendmail: refused by Connect, limited by rate, and the map is as before', { skip: labClosed }, async () => {
  await using world = await startWorld();
  await using sendmail = await startSendmail();
  assert.ok(world.log.traditional.length > 0);
  const path = '/etc/mail/access';
  const before = keptOf(path);
  const makemap = `${labDir()}/sendmail/usr/libexec/sendmail/makemap`;
  const dump = (): Promise<string> => runCommand(makemap, ['-u', 'hash', path]);
  const dumped = (await dump()).split('\n').toSorted();
  await withDesk(async (desk) => {
    assert.match(await heard(sendmail.address), /^250 250 250$/);
    const ids = [
      await enter(desk, wantedIn('sendmail-hash', path)),
      await enter(desk, wantedIn('sendmail-hash', path, { subject: '203.0.113.0/24', tag: 'ClientRate', value: '10' })),
      await enter(desk, wantedIn('sendmail-hash', path, { subject: '2001:db8::/64', tag: 'ClientConn', value: '3' })),
    ];
    assert.match(await heard(sendmail.address), /55\d$/);
    assert.match(await dump(), /clientrate:203\.0\.113\t10/);
    assert.match(await dump(), /clientconn:ipv6:2001:db8:0:0\t3/);
    await undo(ids, 'test', desk);
    assert.equal(keptOf(path).bytes, before.bytes);
    assert.deepEqual((await dump()).split('\n').toSorted(), dumped);
    assert.match(await heard(sendmail.address), /^250 250 250$/);
  });
});

test('Exim: a host list that was not there is made, and gone afterwards', { skip: labClosed }, async () => {
  layConfig('exim4');
  const path = '/etc/exim4/refused-hosts';
  await withDesk(async (desk) => {
    const one = await enter(desk, wantedIn('exim-iplsearch', path, { subject: '2001:db8::/64' }));
    const two = await enter(desk, wantedIn('exim-iplsearch', path));
    assert.match(readFileSync(path, 'latin1'), /^"2001:db8::\/64": refused\n203\.0\.113\.7: refused$/m);
    await undo([one], 'test', desk);
    assert.doesNotMatch(readFileSync(path, 'latin1'), /2001/);
    await undo([two], 'test', desk);
    assert.equal(existsSync(path), false);
  });
});

test(
  'entries end in any order: the last one leaves the file and its time as before; an empty file stays',
  { skip: labClosed },
  async () => {
    const path = `${layConfig('postfix')}/client_access`;
    const before = writeByHand(path);
    const empty = `${layConfig('exim4')}/refused-hosts`;
    writeFileSync(empty, '');
    await withDesk(async (desk) => {
      for (const [format, file, kept] of [
        ['postfix-hash', path, before],
        ['exim-iplsearch', empty, keptOf(empty)],
      ] as const) {
        const first = await enter(desk, wantedIn(format, file));
        const second = await enter(desk, wantedIn(format, file, { subject: '198.51.100.0/24' }));
        await undo([first], 'test', desk);
        assert.match(keptOf(file).bytes, /198\.51\.100/);
        await undo([second], 'test', desk);
        assert.deepEqual(keptOf(file), kept);
      }
      rmSync(`${path}.db`, { force: true });
      renameSync(path, `${path}.db`);
      await assert.rejects(enter(desk, wantedIn('postfix-hash', path)), /without its source/);
    });
  },
);

test('edits meanwhile stay; what is not ours to touch is refused', { skip: labClosed }, async () => {
  const path = `${layConfig('postfix')}/client_access`;
  writeByHand(path);
  await withDesk(async (desk) => {
    const wanted = wantedIn('postfix-hash', path);
    const id = await enter(desk, wanted);
    appendFileSync(path, '192.0.2.77 REJECT\n');
    await undo([id], 'test', desk);
    assert.equal(readFileSync(path, 'latin1'), `${byHand}192.0.2.77 REJECT\n`);

    const refused = (error: unknown): boolean => error instanceof Fault && error.code === 'REFUSED_FOR_SAFETY';
    const plan = (more: Partial<AccessWanted>): Promise<unknown> =>
      planAll(accessEntry, [{ ...wanted, ...more }], desk.carryOut);
    await assert.rejects(plan({ subject: '198.51.100.9' }), refused, 'somebody wrote one');
    await assert.rejects(plan({ subject: '127.0.0.1' }), refused);
    await assert.rejects(plan({ path: '/etc/shadow' }), refused);
    await assert.rejects(plan({ value: 'OK\n0.0.0.0/0 OK' }), /one short line/);
    await assert.rejects(plan({ subject: '203.0.113.0/25' }), /cannot hold/);
    renameSync(path, `${path}.real`);
    symlinkSync(`${path}.real`, path);
    await assert.rejects(plan({}), refused);
    renameSync(`${path}.real`, path);
    chownSync(path, 65_534, 65_534);
    await assert.rejects(plan({}), refused);
  });
});

test(
  'what somebody has taken out is missed, by the guard and by postern actions --verify',
  { skip: labClosed },
  async () => {
    const path = `${layConfig('postfix')}/client_access`;
    writeByHand(path);
    await withDesk(async (desk, state) => {
      const id = await enter(desk, wantedIn('postfix-hash', path));
      const verify = (): Promise<string> =>
        runCommand(process.execPath, [main, 'actions', '--verify', '--state', state]);
      assert.deepEqual(await drift(desk), []);
      assert.match(await verify(), /is there/);
      const kept = readFileSync(path);
      writeFileSync(path, byHand, 'latin1');
      assert.deepEqual(
        (await drift(desk)).map(({ receipt, text }) => [receipt.id, text]),
        [[id, `${path} does not answer for ${client}`]],
      );
      const said: string[] = [];
      const miss = createMissing(
        desk,
        (text) => said.push(text),
        () => false,
      );
      for (let minute = 0; minute < 3; minute++) await miss();
      assert.match(
        said.join('\n'),
        new RegExp(`^${id} access-entry .* is not in force any more .*postern undo ${id}$`),
      );
      await assert.rejects(verify(), new RegExp(`ended with 5: [^]*${id}[^]*not there: `));
      assert.equal(readFileSync(path, 'latin1'), byHand, 'whoever took it out is left alone');
      writeFileSync(path, kept);
      assert.deepEqual(await drift(desk), []);
      await undo([id], 'test', desk);
      assert.deepEqual(await drift(desk), []);
    });
  },
);

test('a map that its tool does not take is put back as it was', { skip: labClosed }, async () => {
  const path = `${layConfig('postfix')}/client_access`;
  const before = writeByHand(path);
  await withDesk(async (desk) => {
    // Without its package there is no such database type: postmap says so after the source was written.
    const types = '/etc/postfix/dynamicmaps.cf';
    renameSync(types, `${types}.aside`);
    await assert.rejects(enter(desk, wantedIn('postfix-cdb', path)), /postmap cdb:.* failed/);
    renameSync(`${types}.aside`, types);
    assert.deepEqual(keptOf(path), before);
  });
});
