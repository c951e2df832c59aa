/**
 * Between Postfix's policy requests (SMTPD_POLICY_README) and the judge: attributes to a question, a verdict to an
 * access(5) action.
 */
import { canonicalAddress } from '../../model/address.ts';
import type { Question, Stage } from '../../model/question.ts';
import type { Verdict } from '../../model/verdict.ts';
import type { PolicyRequest } from '../../protocols/postfix-policy/request.ts';

/** With smtpd_delay_reject=yes, the default, the restrictions of every stage are asked at RCPT. */
const stageOf = new Map<string, Stage>([
  ['CONNECT', 'connect'],
  ['EHLO', 'helo'],
  ['HELO', 'helo'],
  ['ETRN', 'etrn'],
  ['MAIL', 'sender'],
  ['RCPT', 'recipient'],
  ['VRFY', 'recipient'],
  ['DATA', 'data'],
  ['BDAT', 'data'],
  ['END-OF-MESSAGE', 'message'],
]);
/** Outside a transaction an empty sender is no null reverse-path: there is none yet. */
const outsideTransaction: ReadonlySet<string> = new Set(['CONNECT', 'EHLO', 'HELO', 'ETRN', 'VRFY']);

/** No action: the next restriction decides. Also the answer to whatever cannot be judged. */
export const noAction = 'DUNNO';
export const sleepSecondsMax = 5;
/** An SMTP reply line has 512 octets (RFC 5321 §4.5.3.1.5), and Postfix puts the client's name and address before our text. */
export const textLengthMax = 200;

const orUndefined = (text: string): string | undefined => (text === '' ? undefined : text);

/** @returns undefined for a protocol_state that no Postfix of today sends */
export const questionOf = (request: PolicyRequest, time: number): Question | undefined => {
  const stage = stageOf.get(request.protocol_state);
  if (stage === undefined) return undefined;
  return {
    time,
    server: 'postfix',
    stage,
    client: canonicalAddress(request.client_address),
    helo: orUndefined(request.helo_name),
    account: orUndefined(request.sasl_username),
    sender: outsideTransaction.has(request.protocol_state) ? undefined : request.sender,
    recipient: orUndefined(request.recipient),
    size: Number(request.size) || undefined,
  };
};

/** One line of printable ASCII: a newline would begin another attribute of our answer. */
const oneLine = (text: string): string =>
  text
    .replaceAll(/[^ -~]+/g, ' ')
    .trim()
    .slice(0, textLengthMax);

/** `4NN`, `5NN`, `HOLD` with text as access(5) has them; 421 also closes the connection; `sleep` goes on with the next restriction. */
export const actionOf = (verdict: Verdict): string => {
  switch (verdict.kind) {
    case 'accept':
      return noAction;
    case 'delay':
      return `sleep ${Math.min(sleepSecondsMax, Math.max(1, Math.ceil(verdict.delayMs / 1000)))}`;
    case 'defer':
    case 'reject':
      return `${verdict.reply.code} ${verdict.reply.enhanced} ${oneLine(verdict.reply.text)}`;
    case 'drop':
      return `421 ${verdict.reply.enhanced} ${oneLine(verdict.reply.text)}`;
    case 'hold':
      return `HOLD ${oneLine(verdict.why.map(({ detector }) => detector).join(', '))}`.trim();
  }
};
