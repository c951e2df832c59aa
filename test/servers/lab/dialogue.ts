/** Small SMTP, IMAP and POP3 clients for tests: they say exactly what they are told and check what they hear. */
import assert from 'node:assert/strict';
import { openWire } from './wire.ts';
import type { Target, Wire } from './wire.ts';

type SmtpReply = { readonly code: number; readonly text: string };

/** What a reply must begin with: `250`, `5`, … or nothing in particular. */
type Expected = number | undefined;

const closedReply: SmtpReply = { code: 0, text: '(connection closed)' };

const readReply = async (wire: Wire): Promise<SmtpReply> => {
  const texts: string[] = [];
  for (;;) {
    const line = await wire.readLine();
    if (line === undefined) return closedReply;
    texts.push(line.slice(4));
    if (line[3] !== '-') return { code: Number(line.slice(0, 3)), text: texts.join('\n') };
  }
};

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

export type SmtpDialogue = {
  readonly greeting: SmtpReply;
  /** One command, its reply. `expected` may be a whole code or its first digit. */
  readonly say: (command: string, expected?: Expected) => Promise<SmtpReply>;
  /** One more reply, to something that was written. */
  readonly hear: (expected?: Expected) => Promise<SmtpReply>;
  /** All commands in one write, then as many replies (fewer when the server closes). */
  readonly pipeline: (commands: readonly string[]) => Promise<SmtpReply[]>;
  readonly startTls: () => Promise<void>;
  readonly authPlain: (account: string, password: string, expected?: Expected) => Promise<SmtpReply>;
  readonly authLogin: (account: string, password: string, expected?: Expected) => Promise<SmtpReply>;
  /** DATA, the text with dots stuffed, the final dot. */
  readonly message: (text: string, expected?: Expected) => Promise<SmtpReply>;
  /** MAIL, RCPT for each, DATA; what most tests want. */
  readonly send: (sender: string, recipients: readonly string[], text: string) => Promise<SmtpReply>;
  readonly quit: () => Promise<void>;
} & Pick<Wire, 'write' | 'secure' | 'hangUp' | 'closed'>;

const check = (command: string, reply: SmtpReply, expected: Expected): SmtpReply => {
  const fits = expected === undefined || String(reply.code).startsWith(String(expected));
  assert.ok(fits, `${command}: expected ${expected}, heard ${reply.code} ${reply.text}`);
  return reply;
};

/** @param early what to send before the greeting is heard */
export const dialSmtp = async (target: Target, early = ''): Promise<SmtpDialogue> => {
  const wire = await openWire(target);
  if (early !== '') wire.write(early);
  const greeting = await readReply(wire);
  const say: SmtpDialogue['say'] = async (command, expected) => {
    wire.write(`${command}\r\n`);
    return check(command, await readReply(wire), expected);
  };
  const message: SmtpDialogue['message'] = async (text, expected) => {
    await say('DATA', 354);
    return say(`${text.replaceAll('\n', '\r\n').replaceAll(/^\./gm, '..')}\r\n.`, expected);
  };
  return {
    greeting,
    say,
    hear: async (expected) => check('(written)', await readReply(wire), expected),
    message,
    pipeline: async (commands) => {
      wire.write(commands.map((command) => `${command}\r\n`).join(''));
      const replies: SmtpReply[] = [];
      for (let reply = await readReply(wire); reply.code !== 0; reply = await readReply(wire)) {
        replies.push(reply);
        if (replies.length === commands.length) break;
      }
      return replies;
    },
    startTls: async () => {
      await say('STARTTLS', 220);
      await wire.secure();
    },
    authPlain: (account, password, expected) => say(`AUTH PLAIN ${base64(`\0${account}\0${password}`)}`, expected),
    authLogin: async (account, password, expected) => {
      await say('AUTH LOGIN', 334);
      await say(base64(account), 334);
      return say(base64(password), expected);
    },
    send: async (sender, recipients, text) => {
      await say(`MAIL FROM:<${sender}>`, 250);
      for (const recipient of recipients) await say(`RCPT TO:<${recipient}>`, 250);
      return message(text, 250);
    },
    quit: async () => {
      await say('QUIT', 221);
      await wire.closed();
    },
    write: wire.write,
    secure: wire.secure,
    hangUp: wire.hangUp,
    closed: wire.closed,
  };
};

/** `say` resolves with the status and text of the tagged answer (RFC 3501 §7.1); `BYE` when the server closes instead. */
export type ImapDialogue = {
  readonly greeting: string;
  readonly say: (command: string) => Promise<{ readonly status: string; readonly text: string }>;
} & Pick<Wire, 'write' | 'hangUp' | 'closed'>;

export const dialImap = async (target: Target): Promise<ImapDialogue> => {
  const wire = await openWire(target);
  const greeting = (await wire.readLine()) ?? '';
  let tagNumber = 0;
  const say: ImapDialogue['say'] = async (command) => {
    const tag = `a${++tagNumber}`;
    wire.write(`${tag} ${command}\r\n`);
    for (let line = await wire.readLine(); line !== undefined; line = await wire.readLine()) {
      if (!line.startsWith(`${tag} `)) continue;
      const [, status = '', ...words] = line.split(' ');
      return { status, text: words.join(' ') };
    }
    return { status: 'BYE', text: '(connection closed)' };
  };
  return { greeting, say, write: wire.write, hangUp: wire.hangUp, closed: wire.closed };
};

/** `say` resolves with the status line's indicator and text (RFC 1939 §3). */
export type Pop3Dialogue = {
  readonly greeting: string;
  readonly say: (command: string) => Promise<{ readonly isOk: boolean; readonly text: string }>;
} & Pick<Wire, 'write' | 'hangUp' | 'closed'>;

export const dialPop3 = async (target: Target): Promise<Pop3Dialogue> => {
  const wire = await openWire(target);
  const greeting = (await wire.readLine()) ?? '';
  const say: Pop3Dialogue['say'] = async (command) => {
    wire.write(`${command}\r\n`);
    const line = (await wire.readLine()) ?? '-ERR (connection closed)';
    return { isOk: line.startsWith('+OK'), text: line.slice(line.indexOf(' ') + 1) };
  };
  return { greeting, say, write: wire.write, hangUp: wire.hangUp, closed: wire.closed };
};
