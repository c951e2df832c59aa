/** From the queue files of a message, as evidence holds them, to the message: its text, and its envelope as the queue had it. */
import type { QueuedMessage, ReadMessage } from '../model/queue/message.ts';
import { messageText as eximText } from './exim/spool-text.ts';
import { readHeaderFile } from './exim/spool.ts';
import { readDeferLog, readQueueFile } from './postfix/queue-file.ts';
import { messageText as postfixText } from './postfix/queue-text.ts';
import { readEnvelopeFile } from './sendmail/queue-file.ts';
import { messageText as sendmailText } from './sendmail/queue-text.ts';

/** Latin1. */
export type KeptFile = { readonly path: string; readonly text: string };
export type KeptMessage = { readonly envelope: QueuedMessage; readonly text: string };

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** What the files of one message have in common. */
export const messageKey = (path: string): string =>
  nameOf(path)
    .replace(/-[HDJK]$/, '')
    .replace(/^(?:[qhQ]f|df)(?=[0-9A-Za-z])/, '');

const whole = (read: ReadMessage, text: string | undefined): KeptMessage | undefined =>
  read.kind === 'message' && text !== undefined ? { envelope: read.message, text } : undefined;

const readAtIn =
  (text: string) =>
  (offset: number, length: number): string =>
    text.slice(offset, offset + length);

/** @returns undefined when they are no whole message */
export const keptMessage = (files: readonly KeptFile[]): KeptMessage | undefined => {
  const find = (pattern: RegExp): KeptFile | undefined => files.find(({ path }) => pattern.test(nameOf(path)));
  const header = find(/-H$/);
  if (header !== undefined) {
    const data = find(/-D$/)?.text;
    const file = { id: messageKey(header.path), path: header.path, dataFileBytes: data?.length, reasons: new Map() };
    return data === undefined ? undefined : whole(readHeaderFile(header.text, file), eximText(header.text, data));
  }
  const envelope = find(/^[qhQ]f/);
  if (envelope !== undefined) {
    const body = find(/^df/)?.text ?? '';
    const id = messageKey(envelope.path);
    const file = { id, path: envelope.path, queue: 'quarantined', dataFileBytes: body.length } as const;
    return whole(readEnvelopeFile(envelope.text, file), sendmailText(envelope.text, body));
  }
  const defer = files.find(({ path }) => /\/defer\//.test(path));
  const queueFile = files.find((file) => file !== defer);
  if (queueFile === undefined) return undefined;
  const reasons = readDeferLog(defer?.text ?? '');
  const read = readAtIn(queueFile.text);
  const file = { id: nameOf(queueFile.path), path: queueFile.path, queue: 'hold' } as const;
  return whole(
    readQueueFile(file, read, (recipient) => reasons.get(recipient)),
    postfixText(read),
  );
};
