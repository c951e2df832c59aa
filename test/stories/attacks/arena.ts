/** One server as it stands in the world: its hook asked, its log followed, Dovecot beside it asking too; and who attacks it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuardNews } from '../../../src/guard/notices/news.ts';
import { startGuard } from '../../../src/guard/run.ts';
import { defaults } from '../../../src/guard/settings.ts';
import type { Incident } from '../../../src/model/report.ts';
import { until } from '../../servers/lab/await.ts';
import { dialSmtp } from '../../servers/lab/dialogue.ts';
import type { SmtpDialogue } from '../../servers/lab/dialogue.ts';
import { startWorld } from '../../servers/lab/world.ts';
import type { World } from '../../servers/lab/world.ts';
import type { MailServer, Server } from '../mail-servers.ts';
import { openedIn } from '../postmaster.ts';

export type Arena = {
  readonly name: string;
  readonly world: World;
  readonly server: Server;
  /** A recipient that exists, and another one. */
  readonly known: string;
  readonly other: string;
  readonly domain: string;
  /** Until the guard knows of all that has happened: it stands in the log, and was read. */
  readonly caughtUp: () => Promise<void>;
  readonly incidents: (attack: string) => readonly Incident[];
  /** Until the guard knows of an incident of this attack. */
  readonly recognised: (attack: string) => Promise<Incident>;
};

const asksUs = `
auth_policy_server_url = http://127.0.0.1:10043/
auth_policy_hash_nonce = of-this-test
auth_policy_server_timeout_msecs = 60000
`;

type Stage = Pick<MailServer, 'hook' | 'listen'> & {
  readonly name: string;
  readonly start: (world: World) => Promise<Server>;
  readonly known: string;
  readonly other: string;
};

export const inArena = async (stage: Stage, play: (arena: Arena) => Promise<void>): Promise<void> => {
  await using world = await startWorld(asksUs);
  await using server = await stage.start(world);
  const state = await mkdtemp(join(tmpdir(), 'postern-arena-'));
  const news: GuardNews[] = [];
  const settings = new Map<string, unknown>([
    ...defaults,
    ['state', state],
    ['logs', [...new Set([server.log, world.log.iso])]],
    ['judge.learning', '0'],
    [`${stage.hook}.listen`, stage.listen],
  ]);
  const guard = await startGuard(settings, (item) => news.push(item));
  const incidents = (attack: string): Incident[] => openedIn(news).filter((incident) => incident.attack === attack);
  try {
    await play({
      ...stage,
      world,
      server,
      domain: stage.known.slice(stage.known.indexOf('@') + 1),
      incidents,
      caughtUp: async () => {
        await world.log.settle();
        await guard.caughtUp();
      },
      recognised: async (attack) => {
        const opened = (): string =>
          openedIn(news)
            .map((one) => one.attack)
            .join(' ');
        await until(
          () => `${attack} was not recognised; opened: ${opened()}`,
          () => incidents(attack).length > 0,
        );
        return incidents(attack)[0] ?? assert.fail();
      },
    });
  } finally {
    await guard.stop();
    await rm(state, { recursive: true });
  }
};

export const numbered = (word: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${word}${at}`);

/** A session up to its envelope; undefined when it is not let in, with what was said. */
const begin = async (
  { server }: Arena,
  from: string,
  sender: string,
): Promise<{ readonly smtp: SmtpDialogue; readonly refusal: string | undefined }> => {
  const smtp = await dialSmtp({ from, to: server.address, port: 25 });
  for (const line of ['EHLO client.test', `MAIL FROM:<${sender}>`]) {
    if (smtp.greeting.code !== 220) return { smtp, refusal: `${smtp.greeting.code} ${smtp.greeting.text}` };
    const reply = await smtp.say(line);
    if (reply.code !== 250) return { smtp, refusal: `${reply.code} ${reply.text}` };
  }
  return { smtp, refusal: undefined };
};

/** One session that asks for each recipient; the replies, up to the end of the session. */
export const ask = async (
  arena: Arena,
  from: string,
  recipients: readonly string[],
  sender = 's@remote.test',
): Promise<string[]> => {
  const { smtp, refusal } = await begin(arena, from, sender);
  const replies: string[] = refusal === undefined ? [] : [refusal];
  if (refusal === undefined)
    for (const recipient of recipients) {
      const reply = await smtp.say(`RCPT TO:<${recipient}>`);
      replies.push(`${reply.code} ${reply.text}`);
      if (reply.code === 0 || reply.code === 421 || reply.text === 'closing connection') break;
    }
  smtp.hangUp();
  await arena.caughtUp();
  return replies;
};

/** A whole message. @returns the last reply */
export const post = async (arena: Arena, from: string, sender: string, recipient: string): Promise<string> => {
  const { smtp, refusal } = await begin(arena, from, sender);
  try {
    if (refusal !== undefined) return refusal;
    const reply = await smtp.say(`RCPT TO:<${recipient}>`);
    if (reply.code !== 250) return `${reply.code} ${reply.text}`;
    const end = await smtp.message(`Subject: to ${recipient}\n\nhello\n`);
    return `${end.code} ${end.text}`;
  } finally {
    smtp.hangUp();
    await arena.caughtUp();
  }
};

/** A login at the submission port. @returns the code of the answer; 0 when there was none to say it to */
export const logIn = async (
  { server, caughtUp }: Arena,
  from: string,
  account: string,
  password: string,
): Promise<number> => {
  const smtp = await dialSmtp({ from, to: server.address, port: 587 });
  const hello = smtp.greeting.code === 220 ? await smtp.say('EHLO client.test') : smtp.greeting;
  const code = hello.code === 250 ? (await smtp.authPlain(account, password)).code : hello.code;
  smtp.hangUp();
  await caughtUp();
  return code;
};

export const passes = (reply: string | undefined): boolean => reply?.startsWith('250') === true;
/** The server's own answer about a name. Ours tell nothing of it. */
export const isTruth = (reply: string): boolean => /^250|ser unknown|o such|nknown user|Unrouteable/i.test(reply);
