/**
 * `postqueue -j` (postqueue(1)): one JSON object a line. What is left to whoever may not read the queue files; it tells
 * neither account nor client.
 */
import { queueNames, recipientsKeptMax } from '../../model/queue/message.ts';
import type { QueueName, QueuedRecipient, ReadMessage } from '../../model/queue/message.ts';

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isQueueName = (value: unknown): value is QueueName => queueNames.some((name) => name === value);
/** JSON is UTF-8; texts here are bytes. */
const bytesOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? Buffer.from(value, 'utf8').toString('latin1') : undefined;

const recipientOf = (value: unknown): QueuedRecipient | undefined => {
  const address = isRecord(value) ? bytesOf(value['address']) : undefined;
  return isRecord(value) && address !== undefined ? { address, reason: bytesOf(value['delay_reason']) } : undefined;
};

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(Buffer.from(line, 'latin1').toString('utf8'));
  } catch {
    return undefined;
  }
};

export const readListing = (line: string): ReadMessage => {
  const entry = parsed(line);
  if (!isRecord(entry)) return { kind: 'damaged', why: 'it is no JSON object' };
  const { queue_name: queue, queue_id: id, arrival_time: arrived, recipients } = entry;
  const sender = bytesOf(entry['sender']);
  if (!isQueueName(queue) || typeof id !== 'string' || typeof arrived !== 'number' || sender === undefined)
    return { kind: 'damaged', why: 'it names no queue, id, time or sender' };
  const all = Array.isArray(recipients) ? recipients : [];
  const size = entry['message_size'];
  return {
    kind: 'message',
    message: {
      server: 'postfix',
      id,
      queue,
      path: '',
      arrived: arrived * 1000,
      sizeBytes: typeof size === 'number' ? size : undefined,
      // postqueue(1) shows the null reverse-path as MAILER-DAEMON.
      sender: sender === 'MAILER-DAEMON' ? '' : sender,
      recipients: all
        .slice(0, recipientsKeptMax)
        .map(recipientOf)
        .filter((each) => each !== undefined),
      recipientCount: all.length,
      deliveredCount: 0,
      client: undefined,
      helo: undefined,
      account: undefined,
      user: undefined,
      uid: undefined,
      script: undefined,
      subject: undefined,
    },
  };
};
