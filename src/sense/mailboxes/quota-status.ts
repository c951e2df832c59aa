/** Asks Dovecot's quota-status about mailboxes, one after another on a connection of its own, in bounded time. */
import { connect } from 'node:net';
import { Fault, errorWords } from '../../model/fault.ts';
import { answerBytesMax, decodeAnswer } from '../../protocols/postfix-policy/answer.ts';
import { encodeRequest } from '../../protocols/postfix-policy/request.ts';
import { askedSizes, nextSize, saysFull } from '../../servers/quota/quota-status.ts';

const silenceMsMax = 5000;
const allMsMax = 30_000;

type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };
type Ask = (recipient: string, size: number) => Promise<string>;

const answerFrom = async (
  chunks: AsyncIterator<string>,
  pending: string,
): Promise<{ action: string; rest: string }> => {
  for (let text = pending; ;) {
    const answer = decodeAnswer(text);
    if (answer !== undefined) return answer;
    const chunk = await chunks.next();
    if (chunk.done === true) throw new Error('it closed the connection');
    text += chunk.value;
    if (text.length > answerBytesMax) throw new Error('it answers something else');
  }
};

const overFromBytes = async (ask: Ask, recipient: string): Promise<number> => {
  let [fits, over] = [-1, askedSizes.length];
  for (let at = nextSize(fits, over); at !== undefined; at = nextSize(fits, over))
    if (saysFull(await ask(recipient, askedSizes[at] ?? 0))) over = at;
    else fits = at;
  if (over === askedSizes.length) return Infinity;
  return over === 0 ? 0 : (askedSizes[over] ?? 0);
};

/**
 * @param found is told the size from which on nothing goes in: 0 is full, Infinity is room for anything
 * @throws Fault INPUT_UNREADABLE when it does not answer, or there are more than it can answer in time; what it said until then was told
 */
export const askQuotaStatus = async (
  at: Endpoint,
  recipients: readonly string[],
  found: (recipient: string, overFromBytes: number) => void,
  signal: AbortSignal,
): Promise<void> => {
  if (recipients.length === 0) return;
  const socket = connect('path' in at ? { path: at.path, signal } : { ...at, noDelay: true, signal });
  socket.setEncoding('latin1');
  socket.setTimeout(silenceMsMax, () => socket.destroy(new Error(`no answer in ${silenceMsMax} ms`)));
  const timer = setTimeout(() => socket.destroy(new Error(`not done in ${allMsMax} ms`)), allMsMax);
  const chunks: AsyncIterator<string> = socket[Symbol.asyncIterator]();
  let pending = '';
  const ask: Ask = async (recipient, size) => {
    socket.write(encodeRequest({ protocol_state: 'RCPT', recipient, size: String(size) }), 'latin1');
    const { action, rest } = await answerFrom(chunks, pending);
    pending = rest;
    return action;
  };
  try {
    for (const recipient of recipients)
      if (!/[\n\0]/.test(recipient)) found(recipient, await overFromBytes(ask, recipient));
  } catch (error) {
    throw new Fault(
      'INPUT_UNREADABLE',
      `quota-status at ${'path' in at ? at.path : `${at.host}:${at.port}`}: ${errorWords(error)}`,
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
};
