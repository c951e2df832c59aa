/** Big queues in the servers' own formats: a few senders, many recipients, some bounces, as in a flood. */
import { chownSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { hashLetter } from '../../src/servers/postfix/queue-file.ts';

type Owner = { readonly uid: number; readonly gid: number };

const base52 = '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';
const digits = (value: number, length: number, alphabet = base52): string =>
  Array.from(
    { length },
    (_, at) => alphabet[Math.floor(value / alphabet.length ** (length - 1 - at)) % alphabet.length],
  ).join('');

const senderOf = (at: number): string => (at % 5 === 0 ? '' : `sender${at % 97}@example.org`);
const recipientOf = (at: number): string => `r${at}@domain${at % 301}.test`;
const accountOf = (at: number): string => `account${at % 41}`;
const clientOf = (at: number): string => `203.0.${at % 200}.${at % 250}`;
const bodyLines = 20;
const bodyLine = 'A line of a message that nobody asked for, seventy characters or so.';
const body = Array.from({ length: bodyLines }, () => bodyLine);

const put = (path: string, data: string, { uid, gid }: Owner, mode: number): void => {
  writeFileSync(path, data, { encoding: 'latin1', mode });
  chownSync(path, uid, gid);
};

const record = (type: string, data: string): string => {
  let bytes = '';
  let length = data.length;
  for (; length > 127; length >>= 7) bytes += String.fromCharCode((length & 127) | 128);
  return `${type}${bytes}${String.fromCharCode(length)}${data}`;
};
const padded = (value: number): string => `${value}`.padStart(15);

export const fillPostfix = (spool: string, count: number, now: number, owner: Owner): void => {
  for (let at = 0; at < count; at++) {
    const id = `4jWfkR${digits((at * 7919) % 1_000_000, 4)}z${digits(at, 4)}`;
    const attribute = (name: string, value: string): string => record('A', `${name}=${value}`);
    const envelope = [
      record('T', `${now - at} 849703`),
      attribute('create_time', `${now - at}`),
      attribute('log_ident', id),
      attribute('rewrite_context', 'remote'),
      attribute('sasl_method', 'PLAIN'),
      attribute('sasl_username', accountOf(at)),
      record('S', senderOf(at)),
      attribute('log_client_name', 'client.test'),
      attribute('log_client_address', clientOf(at)),
      attribute('log_client_port', '41615'),
      attribute('log_helo_name', 'client.test'),
      attribute('log_protocol_name', 'ESMTP'),
      attribute('client_name', 'client.test'),
      attribute('client_address', clientOf(at)),
      record('O', recipientOf(at)),
      record('R', recipientOf(at)),
      record('M', ''),
    ].join('');
    const text = ['Received: from x', `Subject: offer ${at % 13}`, '', ...body]
      .map((line) => record('N', line))
      .join('');
    const sizes = (offset: number): string =>
      record('C', [text.length, offset, 1, 0, text.length, 0].map(padded).join(' '));
    const offset = sizes(0).length + envelope.length;
    const hash = hashLetter(id);
    for (const queue of ['deferred', 'defer']) mkdirSync(`${spool}/${queue}/${hash}`, { recursive: true });
    for (const queue of ['deferred', 'defer']) chownSync(`${spool}/${queue}/${hash}`, owner.uid, owner.gid);
    const path = `${spool}/deferred/${hash}/${id}`;
    put(path, `${sizes(offset)}${envelope}${text}${record('X', '')}${record('E', '')}`, owner, 0o700);
    utimesSync(path, now + 86_400, now + 86_400); // not due before tomorrow
    const reason = `connect to mx.domain${at % 301}.test[192.0.2.98]:25: Connection refused`;
    put(
      `${spool}/defer/${hash}/${id}`,
      `<${recipientOf(at)}>: ${reason}\nrecipient=${recipientOf(at)}\noffset=770\nstatus=4.4.1\naction=delayed\nreason=${reason}\n\n`,
      owner,
      0o600,
    );
  }
};

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export const fillExim = (spool: string, count: number, now: number, owner: Owner): void => {
  for (let at = 0; at < count; at++) {
    const id = `1xU${digits(at, 3, base62)}-${digits(at, 6, base62)}-1P`;
    const hash = id[5] ?? '0';
    for (const folder of ['input', 'msglog']) {
      mkdirSync(`${spool}/${folder}/${hash}`, { recursive: true });
      chownSync(`${spool}/${folder}/${hash}`, owner.uid, owner.gid);
    }
    const header = (flag: string, text: string): string => `${`${text.length + 1}`.padStart(3, '0')}${flag} ${text}\n`;
    const envelope = [
      `${id}-H`,
      `Debian-exim ${owner.uid} ${owner.gid}`,
      `<${senderOf(at)}>`,
      `${now - at} 0`,
      '-received_time_usec .436074',
      '--helo_name client.test',
      `-host_address [${clientOf(at)}]:46371`,
      '--host_name client.test',
      '-host_auth plain',
      '-interface_address [192.0.2.26]:587',
      '-received_protocol esmtpa',
      `-body_linecount ${bodyLines}`,
      '-max_received_linelength 70',
      `--auth_id ${accountOf(at)}`,
      '-tls_resumption A',
      'XX',
      '1',
      recipientOf(at),
      '',
    ].join('\n');
    const headers = header('P', 'Received: from client.test') + header(' ', `Subject: offer ${at % 13}`);
    put(`${spool}/input/${hash}/${id}-D`, `${id}-D\n${body.join('\n')}\n`, owner, 0o640);
    put(`${spool}/input/${hash}/${id}-H`, `${envelope}\n${headers}`, owner, 0o640);
    put(
      `${spool}/msglog/${hash}/${id}`,
      `2026-11-21 04:45:27 Received from x\n2026-11-21 04:45:27 ${recipientOf(at)} R=abroad T=remote_smtp defer (111): Connection refused\n`,
      owner,
      0o640,
    );
  }
};

export const fillSendmail = (spool: string, count: number, now: number, owner: Owner): void => {
  for (let at = 0; at < count; at++) {
    const id = `6AL4${digits(at, 4)}${100_000 + (at % 99_999)}`;
    const reason = `Deferred: Connection refused by mx.domain${at % 301}.test.`;
    put(`${spool}/df${id}`, `${body.join('\n')}\n`, owner, 0o600);
    put(
      `${spool}/qf${id}`,
      [
        'V8',
        `T${now - at}`,
        `K${now}`,
        'N1',
        'P30020',
        `M${reason}`,
        'Fs',
        `$_client.test [${clientOf(at)}]`,
        '$rESMTPA',
        '$sclient.test',
        '${daemon_flags}EE a',
        `S<${senderOf(at)}>`,
        `rRFC822; ${recipientOf(at)}`,
        `RPFD:<${recipientOf(at)}>`,
        'H??Received: from client.test',
        `H??Subject: offer ${at % 13}`,
        '.',
        '',
      ].join('\n'),
      owner,
      0o600,
    );
  }
};
