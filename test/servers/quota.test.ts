/** Over quota with real servers: what the audit finds, and what a sender hears at RCPT. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { startGuard } from '../../src/guard/run.ts';
import type { Guard } from '../../src/guard/run.ts';
import type { GuardNews } from '../../src/guard/notices/news.ts';
import type { HookName } from '../../src/guard/settings.ts';
import { noLimits, openedIn, policy, settingsAt } from '../stories/postmaster.ts';
import { awaitLine, linesOf, until } from './lab/await.ts';
import { runCommand } from './lab/daemon.ts';
import { dialSmtp } from './lab/dialogue.ts';
import { labClosed } from './lab/door.ts';
import { attachExim } from './lab/exim-hook.ts';
import { startExim } from './lab/exim.ts';
import { startPostfix } from './lab/postfix.ts';
import { askMilter, startSendmail } from './lab/sendmail.ts';
import { startWorld } from './lab/world.ts';
import type { World } from './lab/world.ts';

const postern = join(import.meta.dirname, '../../src/cli/main.ts');

const ends = new WeakMap<TestContext, AsyncDisposableStack>();
/** Other than `t.after`: what was begun last ends first, a guard before the folder that it writes to. */
const atEnd = (t: TestContext, end: () => void | Promise<void>): void => {
  let stack = ends.get(t);
  if (stack === undefined) {
    const fresh = new AsyncDisposableStack();
    t.after(() => fresh.disposeAsync());
    ends.set(t, fresh);
    stack = fresh;
  }
  stack.defer(end);
};

const freshFolder = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-quota-'));
  atEnd(t, () => rmSync(folder, { recursive: true }));
  return folder;
};

type Audit = {
  readonly wrong: number;
  readonly mailboxes: readonly { readonly address: string; readonly condition: string; readonly usedBytes?: number }[];
  readonly unknown: readonly string[];
};

const auditIn = async (state: string, ...more: readonly string[]): Promise<{ status: unknown; found: Audit }> => {
  const args = [postern, 'quota', 'audit', '--json', '--state', state, ...more];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [out, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const found: Audit = JSON.parse(out);
  return { status, found };
};

const conditionsIn = ({ mailboxes }: Audit): Map<string, string> =>
  new Map(mailboxes.map(({ address, condition }) => [address, condition]));

const save = (user: string, bytes: number): Promise<string> =>
  runCommand('doveadm', ['save', '-u', user], `From: a@remote.test\n\n${'x'.repeat(bytes)}\n`);

test('audit: Dovecot, and what has filled since the last look', { skip: labClosed }, async (t) => {
  await using world = await startQuotaWorld();
  assert.ok(world);
  const state = freshFolder(t);
  const empty = await auditIn(state);
  assert.deepEqual([empty.status, empty.found.wrong, empty.found.unknown], [0, 0, []]);
  assert.equal(empty.found.mailboxes.length, 9);

  await save('full@lab.test', 900);
  await save('alice@lab.test', 95_000);
  for (let count = 0; count < 10; count++) await save('bob@lab.test', 4000);
  await save('carol@lab.test', 200);
  const { status, found } = await auditIn(state);
  assert.equal(status, 1);
  const conditions = conditionsIn(found);
  assert.deepEqual(
    ['full@lab.test', 'alice@lab.test', 'bob@lab.test', 'carol@lab.test', 'labfull'].map((one) => conditions.get(one)),
    ['full', 'filling', 'filling', 'fine', 'fine'],
  );
});

test('audit: without the plugin nobody has a quota', { skip: labClosed }, async (t) => {
  await using world = await startWorld('mail_plugins =');
  assert.ok(world);
  const { status, found } = await auditIn(freshFolder(t));
  assert.deepEqual([status, found.wrong, found.unknown], [1, 9, []]);
  assert.deepEqual(new Set(conditionsIn(found).values()), new Set(['no-quota']));
});

test('audit: Maildirs, an mbox, a command, and what may not be read', { skip: labClosed }, async (t) => {
  const folder = freshFolder(t);
  const maildir = (name: string, content?: string): string => {
    const path = join(folder, 'vmail/lab.test', name);
    mkdirSync(path, { recursive: true });
    if (content !== undefined) writeFileSync(join(path, 'maildirsize'), content);
    return path;
  };
  maildir('free', '1000S\n100 1\n');
  maildir('near', '1000S\n450 1\n450 1\n50 1\n');
  maildir('many', '1000S,2C\n1 1\n1 1\n');
  maildir('none');
  maildir('damaged', 'hello\n');
  symlinkSync('/etc/passwd', join(maildir('linked'), 'maildirsize'));
  mkdirSync(join(folder, 'mbox'));
  writeFileSync(join(folder, 'mbox/laba'), 'x'.repeat(2048));
  const command = join(folder, 'list');
  writeFileSync(command, '#!/bin/sh\necho "c@lab.test 5 10"\necho "what is this"\n');
  chmodSync(command, 0o755);
  const sources = [`maildir:${folder}/vmail/%d/%n`, `mbox:2K:${folder}/mbox/%n`, `command:${command}`];
  const { status, found } = await auditIn(join(folder, 'state'), '--source', sources.join(','));
  assert.equal(status, 1);
  assert.deepEqual(
    conditionsIn(found),
    new Map([
      ['many@lab.test', 'full'],
      ['laba', 'full'],
      ['near@lab.test', 'nearly-full'],
      ['none@lab.test', 'no-quota'],
      ['c@lab.test', 'fine'],
      ['free@lab.test', 'fine'],
    ]),
  );
  assert.deepEqual(
    found.unknown.map((why) => why.replace(folder, '')),
    [
      '/vmail/lab.test/damaged: it cannot be made out',
      '/vmail/lab.test/linked: ELOOP',
      '/list: line 2 of its output is no row',
    ],
  );
  const fine = await auditIn(join(folder, 'state'), '--source', `command:${command}`);
  assert.equal(fine.status, 5, 'nothing wrong, and a line that is not known');
});

/** Every mailbox has 100 KiB. Aliases that servers of other tests have left in the machine lead nowhere. */
const startQuotaWorld = async (): Promise<World> => {
  const world = await startWorld('plugin {\n  quota_rule = *:storage=100k\n}');
  for (const folder of ['/etc/mail', '/etc/exim4/valiases']) rmSync(folder, { recursive: true, force: true });
  return world;
};

type Watched = { readonly guard: Guard; readonly news: readonly GuardNews[] };

/** A guard with one hook, which knows the mailboxes. */
const watch = async (
  t: TestContext,
  hook: HookName,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Watched> => {
  const news: GuardNews[] = [];
  const values = new Map([
    ...settingsAt(freshFolder(t), hook),
    ['logs', []],
    ['quota.sources', ['dovecot']],
    ['quota.refreshSeconds', 3600],
    ...Object.entries(settings),
  ]);
  const guard = await startGuard(values, (item) => news.push(item));
  atEnd(t, () => guard.stop());
  return { guard, news };
};

type Target = {
  readonly to: string;
  readonly port: number;
  readonly full: string;
  readonly near: string;
  /** Leads to `near` alone. */
  readonly alias?: string;
};

let clients = 0;
/** What is said at RCPT; @param size as MAIL promises it */
const rcpt = async ({ to, port }: Target, recipient: string, size = 0): Promise<string> => {
  const smtp = await dialSmtp({ from: `203.0.113.${++clients}`, to, port });
  await smtp.say('EHLO client.test', 250);
  await smtp.say(`MAIL FROM:<s@remote.test>${size === 0 ? '' : ` SIZE=${size}`}`, 250);
  const { code, text: words } = await smtp.say(`RCPT TO:<${recipient}>`);
  smtp.hangUp();
  return `${code} ${words.slice(0, 5)}`;
};

/** What is said at the end of a message of 20 kB whose size nobody promised, for the mailbox that has not so much room. */
const unpromised = async ({ to, port, near }: Target): Promise<string> => {
  const smtp = await dialSmtp({ from: `203.0.113.${++clients}`, to, port });
  await smtp.say('EHLO client.test', 250);
  await smtp.say('MAIL FROM:<s@remote.test>', 250);
  await smtp.say(`RCPT TO:<${near}>`, 250);
  const { code, text: words } = await smtp.message(`Subject: x\n\n${`${'x'.repeat(99)}\n`.repeat(200)}`);
  smtp.hangUp();
  return `${code} ${words}`;
};

/** The same on every server: full, room for small ones only, room again; then what a down Dovecot costs. */
const play = async ({ guard }: Watched, target: Target, stopDovecot: () => Promise<void>): Promise<void> => {
  const { full, near } = target;
  const mailbox = (address: string): string => address.replace('@mx.lab.test', '');
  assert.match(await rcpt(target, full), /^250/, 'there is room before');
  await save(mailbox(full), 900);
  await save(mailbox(near), 95_000);
  await guard.quotasRead();
  assert.equal(await rcpt(target, full), '552 5.2.2');
  assert.equal(await rcpt(target, full, 10), '552 5.2.2');
  assert.match(await rcpt(target, near), /^250/);
  assert.match(await rcpt(target, near, 2000), /^250/);
  assert.equal(await rcpt(target, near, 20_000), '552 5.2.2');
  if (target.alias !== undefined) assert.equal(await rcpt(target, target.alias, 20_000), '552 5.2.2', 'an alias of it');
  await runCommand('doveadm', ['expunge', '-u', mailbox(full), 'mailbox', 'INBOX', 'all']);
  await guard.quotasRead();
  assert.match(await rcpt(target, full), /^250/, 'room again');
  await stopDovecot();
  await guard.quotasRead();
  assert.equal(await rcpt(target, near, 20_000), '552 5.2.2', 'what was known holds a while');
  assert.match(await unpromised(target), /^552 5\.2\.2 .*Mailbox is full for a message of this size/);
  assert.match(await rcpt(target, full), /^250/, 'and what is not known has room');
};

const labMailboxes = { full: 'full@lab.test', near: 'alice@lab.test' } as const;

test('Postfix refuses over quota at RCPT through the policy service', { skip: labClosed }, async (t) => {
  await using world = await startQuotaWorld();
  await using postfix = await startPostfix({
    mainCf: {
      ...noLimits,
      smtpd_recipient_restrictions: `reject_unauth_destination, check_policy_service ${policy}`,
      smtpd_end_of_data_restrictions: `check_policy_service ${policy}`,
    },
  });
  const watched = await watch(t, 'policy');
  await play(watched, { to: postfix.address, port: 25, ...labMailboxes }, world.dovecot.stop);
});

test('Exim refuses over quota at RCPT through readsocket', { skip: labClosed }, async (t) => {
  await using world = await startQuotaWorld();
  const attach = attachExim('127.0.0.1:10042');
  await using exim = await startExim({
    // Without the lab's own question to quota-status.
    edit: (config) => attach(config).replace('{^action=552}', '{^nobody says this}'),
  });
  const watched = await watch(t, 'readsocket');
  await play(watched, { to: exim.address, port: 25, ...labMailboxes }, world.dovecot.stop);
});

test('Sendmail refuses over quota at RCPT through the milter', { skip: labClosed }, async (t) => {
  await using world = await startQuotaWorld();
  await using sendmail = await startSendmail(askMilter('inet:10041@127.0.0.1'));
  const watched = await watch(t, 'milter', { 'quota.domains': ['mx.lab.test'] });
  const target = {
    to: sendmail.address,
    port: 25,
    full: 'labfull@mx.lab.test',
    near: 'laba@mx.lab.test',
    alias: 'alice@lab.test',
  };
  await play(watched, target, world.dovecot.stop);
});

test(
  'the gate refuses over quota for the server behind it, and holds nobody for it',
  { skip: labClosed },
  async (t) => {
    await using world = await startQuotaWorld();
    await using postfix = await startPostfix({ mainCf: { ...noLimits, smtpd_recipient_restrictions: 'permit' } });
    const watched = await watch(t, 'gate', {
      'gate.backend': `${postfix.address}:25`,
      'gate.protect': ['lab.test'],
      'gate.greetPauseMs': 0,
      // Who is refused for what it did is sent away at once then.
      'gate.heldConnections': 0,
    });
    const target = { to: '127.0.0.1', port: 2525, ...labMailboxes };
    await play(watched, target, world.dovecot.stop);
  },
);

test('452 where the postmaster wants it, from the maildirsize that Dovecot writes', { skip: labClosed }, async (t) => {
  await using world = await startQuotaWorld();
  assert.ok(world);
  await using postfix = await startPostfix({
    mainCf: {
      ...noLimits,
      smtpd_recipient_restrictions: `reject_unauth_destination, check_policy_service ${policy}`,
      smtpd_end_of_data_restrictions: `check_policy_service ${policy}`,
    },
  });
  const { guard } = await watch(t, 'policy', {
    'quota.reply': 'defer',
    'quota.sources': ['maildir:/var/spool/vmail/%d/%n'],
  });
  await save('full@lab.test', 1002); // 1024 bytes in all, to the last
  await save('alice@lab.test', 95_000);
  await guard.quotasRead();
  const target = { to: postfix.address, port: 25, ...labMailboxes };
  assert.equal(await rcpt(target, 'full@lab.test'), '452 4.2.2');
  assert.match(await unpromised(target), /^452 4\.2\.2 .*Mailbox is full for a message of this size/);
});

test(
  "the gate's own store: full, too large for what is left, and counted again later",
  { skip: labClosed },
  async (t) => {
    const state = freshFolder(t);
    await watch(t, 'gate', {
      state,
      'quota.sources': [],
      'gate.protect': ['lab.test'],
      'gate.mailboxes': ['alice'],
      'gate.mailboxMiB': 1,
      'gate.greetPauseMs': 0,
    });
    const target = { to: '127.0.0.1', port: 2525, full: '', near: '' };
    const deliver = async (kilobytes: number): Promise<void> => {
      const smtp = await dialSmtp({ from: '203.0.113.200', to: target.to, port: target.port });
      await smtp.say('EHLO client.test', 250);
      await smtp.send('s@remote.test', ['alice@lab.test'], `Subject: x\n\n${`${'x'.repeat(999)}\n`.repeat(kilobytes)}`);
      await smtp.quit();
    };
    await deliver(600);
    assert.match(await rcpt(target, 'alice@lab.test', 400_000), /^250/);
    assert.equal(await rcpt(target, 'alice@lab.test', 500_000), '552 5.2.2');
    await deliver(600);
    assert.equal(await rcpt(target, 'alice@lab.test'), '552 5.2.2');
    const mailbox = join(state, 'store/lab.test/alice');
    const [first = ''] = readdirSync(join(mailbox, 'new'));
    rmSync(join(mailbox, 'new', first));
    assert.equal(await rcpt(target, 'alice@lab.test'), '552 5.2.2', 'nobody has counted yet');
    utimesSync(join(mailbox, 'maildirsize'), 0, 0);
    assert.match(await rcpt(target, 'alice@lab.test'), /^250/, 'a quarter of an hour later it is counted');
  },
);

test('quota-status: known after the first message, also behind an alias', { skip: labClosed }, async (t) => {
  await using world = await startQuotaWorld();
  assert.ok(world);
  await using postfix = await startPostfix({
    mainCf: { ...noLimits, smtpd_recipient_restrictions: `reject_unauth_destination, check_policy_service ${policy}` },
  });
  const { guard, news } = await watch(t, 'policy', {
    logs: [world.log.traditional],
    'quota.sources': ['quota-status:192.0.2.40:12340'],
  });
  const target = { to: postfix.address, port: 25, full: 'full@lab.test', near: 'alice@lab.test' };
  await save('full@lab.test', 1002); // 1024 bytes in all, to the last
  await save('alice@lab.test', 95_000);
  assert.match(await rcpt(target, 'full@lab.test'), /^250/, 'not met yet');
  for (const recipient of ['full@lab.test', 'alice@lab.test']) {
    const smtp = await dialSmtp({ from: '203.0.113.250', to: target.to, port: 25 });
    await smtp.say('EHLO client.test', 250);
    await smtp.send('s@remote.test', [recipient], 'Subject: x\n\nhello\n');
    await smtp.quit();
    await awaitLine(
      world.log.traditional,
      `to=<${recipient}>`,
      (line) => line.includes(`to=<${recipient}>`) && line.includes('lmtp'),
    );
  }
  await guard.caughtUp();
  await guard.quotasRead();
  assert.equal(await rcpt(target, 'full@lab.test'), '552 5.2.2');
  assert.match(await rcpt(target, 'alice@lab.test'), /^250/);
  assert.equal(await rcpt(target, 'alice@lab.test', 50_000), '552 5.2.2');
  assert.equal(await rcpt(target, 'postmaster@lab.test', 50_000), '552 5.2.2', 'an alias of alice');
  assert.match(await rcpt(target, 'two@lab.test', 50_000), /^250/, 'alice, and somebody else');
  assert.deepEqual(
    news.filter(({ kind }) => kind === 'problem'),
    [],
  );
});

test(
  'sources that hang or are gone cost no answer, and a guard that ends ends them',
  { skip: labClosed },
  async (t) => {
    await using world = await startQuotaWorld();
    assert.ok(world);
    await using postfix = await startPostfix({
      mainCf: {
        ...noLimits,
        smtpd_recipient_restrictions: `reject_unauth_destination, check_policy_service ${policy}`,
      },
    });
    const folder = freshFolder(t);
    const [command, began] = [join(folder, 'hangs'), join(folder, 'pid')];
    writeFileSync(command, `#!/bin/sh\necho $$ > ${began}\nexec sleep 600\n`);
    chmodSync(command, 0o755);
    const news: GuardNews[] = [];
    const guard = await startGuard(
      new Map([...settingsAt(folder), ['logs', []], ['quota.sources', [`command:${command}`]]]),
      (item) => news.push(item),
    );
    try {
      // Written, not only made.
      await awaitLine(began, 'its process id', (line) => line !== '');
      assert.match(await rcpt({ to: postfix.address, port: 25, ...labMailboxes }, 'full@lab.test'), /^250/);
    } finally {
      await guard.stop();
    }
    const pid = Number(readFileSync(began, 'latin1'));
    assert.ok(pid > 1);
    // It was told to end, and does as soon as the kernel comes to it.
    await until(
      () => `the command of the guard that is gone still runs, as ${pid}`,
      () => !existsSync(`/proc/${pid}`),
    );

    const { guard: other, news: told } = await watch(t, 'policy', {
      'quota.sources': ['quota-status:127.0.0.1:9', 'maildir:/nowhere/%d/%n', `command:${folder}/none`],
    });
    await other.quotasRead();
    await other.quotasRead();
    assert.match(await rcpt({ to: postfix.address, port: 25, ...labMailboxes }, 'full@lab.test'), /^250/);
    const problems = told.flatMap((item) => (item.kind === 'problem' ? [item.text] : []));
    assert.equal(problems.length, 2, `each once: ${problems.join('; ')}`);
    assert.match(problems[0] ?? '', /maildir: no mailbox is there/);
    assert.match(problems[1] ?? '', /command: .*none did not list the mailboxes/);
  },
);

test('a mailbox that bounces are filling is an incident before it is full', { skip: labClosed }, async (t) => {
  await using world = await startQuotaWorld();
  await using postfix = await startPostfix({ mainCf: { ...noLimits, smtpd_recipient_restrictions: 'permit' } });
  const { guard, news } = await watch(t, 'policy', { logs: [world.log.traditional] });
  await guard.quotasRead();
  let sent = 0;
  const bounce = async (): Promise<void> => {
    const smtp = await dialSmtp({ from: `198.51.100.${++sent}`, to: postfix.address, port: 25 });
    await smtp.say('EHLO bouncing.test', 250);
    const body = `${'x'.repeat(78)}\n`.repeat(60);
    await smtp.send('', ['bob@lab.test'], `Subject: Undelivered ${sent}\n\n${body}`);
    await smtp.quit();
  };
  const delivered = async (): Promise<void> => {
    const { traditional } = world.log;
    const all = (): number => linesOf(traditional).filter((line) => line.includes('status=sent')).length;
    await awaitLine(traditional, `${sent} deliveries`, () => all() >= sent);
    await guard.caughtUp();
  };
  for (let count = 0; count < 6; count++) await bounce();
  await delivered();
  assert.deepEqual(openedIn(news), [], 'six bounces are no flood by themselves');
  await guard.quotasRead();
  await bounce();
  await delivered();
  const [incident, ...more] = openedIn(news);
  assert.equal(more.length, 0);
  assert.deepEqual([incident?.attack, incident?.actors.length], ['backscatter', 0]);
  assert.match(incident?.why ?? '', /bounces for bob@lab\.test .* [23]\d % full and at this pace full within 1 h/);
  assert.match(await rcpt({ to: postfix.address, port: 25, ...labMailboxes }, 'bob@lab.test', 10_000), /^250/);
});
