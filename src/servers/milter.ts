/**
 * A mail server's session as a milter hears it, for Postfix and Sendmail: commands to questions and facts, a verdict to a
 * reply. What the server refuses itself it tells (SMFIP_RCPT_REJ) with `{rcpt_mailer}` = `error`; Sendmail does so for
 * unknown local users only, and an AUTH that failed nobody shows to a milter: those stand in the log.
 */
import { canonicalAddress } from '../model/address.ts';
import { draftEvent } from '../model/event.ts';
import type { Event, EventDraft, EventKind, Outcome, ServerName } from '../model/event.ts';
import type { Question, Stage } from '../model/question.ts';
import type { Verdict } from '../model/verdict.ts';
import type { MilterCommand, Negotiation } from '../protocols/milter/command.ts';
import { actions, steps } from '../protocols/milter/reply.ts';
import type { MilterReply } from '../protocols/milter/reply.ts';
import { withoutBrackets } from './path.ts';

const version = 6;
/** Bodies and headers are not ours to read. */
const wantedSteps = steps.noBody | steps.noHeaders | steps.noEndOfHeaders | steps.refusedRecipients;
const wantedActions = actions.addHeader | actions.quarantine | actions.setMacros;
const refusedRecipientMailer = 'error';

/** As much of what we want as the server offers. */
export const negotiate = (offer: Negotiation): MilterReply => ({
  kind: 'negotiate',
  choice: {
    version: Math.min(version, offer.version),
    actions: wantedActions & offer.actions,
    protocol: wantedSteps & offer.protocol,
  },
  macros:
    (offer.actions & actions.setMacros) === 0
      ? []
      : [
          ['connect', 'j v {daemon_name} {client_addr}'],
          ['mail', 'i {auth_authen} {auth_type}'],
          ['rcpt', '{rcpt_mailer} {rcpt_host} {rcpt_addr}'],
          ['endOfMessage', 'i {msg_size}'],
          // Sendmail 8.17 passes over the last list.
          ['endOfHeaders', 'i'],
        ],
});

type Heard = {
  readonly events: readonly Event[];
  readonly question: Question | undefined;
  /**
   * The server refused this recipient itself: the client must not hear the next answer ahead of this evidence. Our answer
   * cannot change what it hears of this one, but 421 ends the session there (Sendmail; Postfix passes over it).
   */
  readonly refused: boolean;
};

export type MilterSession = {
  readonly hear: (command: MilterCommand, time: number) => Heard;
};

const nothing: Heard = { events: [], question: undefined, refused: false };
const recipientsMax = 100_000;

/** `SIZE=1234` among the parameters of MAIL. */
const sizeIn = (parameters: readonly string[]): number | undefined => {
  const promised = parameters.find((parameter) => /^size=\d{1,15}$/i.test(parameter));
  return Number(promised?.slice('size='.length)) || undefined;
};

const outcomeOfCode = new Map<string, Outcome>([
  ['5.1.1', 'unknown'],
  ['5.1.0', 'unknown'],
  ['5.1.6', 'unknown'],
  ['5.7.1', 'relay-denied'],
  ['5.2.2', 'over-quota'],
  ['4.2.2', 'over-quota'],
]);

/** Postfix has the enhanced code in `{rcpt_host}`, Sendmail in the text; RFC 3463. */
const outcomeOf = (macros: ReadonlyMap<string, string>): { outcome: Outcome; dsn: string | undefined } => {
  if (macros.get('{rcpt_mailer}') !== refusedRecipientMailer) return { outcome: 'accepted', dsn: undefined };
  const text = macros.get('{rcpt_addr}') ?? '';
  const host = macros.get('{rcpt_host}') ?? '';
  const dsn = /^[45]\.\d{1,3}\.\d{1,3}$/.test(host) ? host : /\b([45]\.\d{1,3}\.\d{1,3})\b/.exec(text)?.[1];
  const outcome = outcomeOfCode.get(dsn ?? '');
  if (outcome === 'relay-denied' && !text.includes('elay')) return { outcome: 'rejected', dsn };
  return { outcome: outcome ?? (dsn?.startsWith('4') === true ? 'deferred' : 'rejected'), dsn };
};

// oxlint-disable-next-line max-lines-per-function -- a closure over one session; each function in it is short
export const createMilterSession = (): MilterSession => {
  let macros: ReadonlyMap<string, string> = new Map();
  let server: ServerName = 'postfix';
  let client: string | undefined;
  let helo: string | undefined;
  let account: string | undefined;
  let sender: string | undefined;
  /** As MAIL promised (RFC 1870). */
  let size: number | undefined;
  let asked = 0;
  let accepted = 0;
  let lastAccepted: string | undefined;

  const reset = (): void => {
    sender = undefined;
    size = undefined;
    asked = 0;
    accepted = 0;
  };
  const event = (time: number, kind: EventKind, fill?: (draft: EventDraft) => void): Event => {
    const draft = draftEvent(time, server, kind);
    draft.client = client;
    draft.helo = helo;
    draft.account = account;
    fill?.(draft);
    return draft;
  };
  const question = (time: number, stage: Stage, recipient?: string): Question => ({
    time,
    server,
    stage,
    client,
    helo,
    account,
    sender,
    recipient,
    size,
    ...(accepted > 0 && stage === 'recipient' ? { recipientsBefore: asked - 1 } : {}),
  });

  const hearRecipient = (address: string, time: number): Heard => {
    const recipient = withoutBrackets(address);
    const { outcome, dsn } = outcomeOf(macros);
    asked = Math.min(recipientsMax, asked + 1);
    const told = event(time, 'recipient', (draft) => {
      draft.sender = sender;
      draft.recipient = recipient;
      draft.outcome = outcome;
      draft.dsn = dsn;
      if (dsn !== undefined) draft.text = macros.get('{rcpt_addr}');
    });
    const refused = outcome !== 'accepted';
    const heard = { events: [told], question: question(time, 'recipient', recipient), refused };
    if (refused) return heard;
    accepted++;
    lastAccepted = recipient;
    return heard;
  };

  return {
    hear: (command, time) => {
      switch (command.kind) {
        case 'macros':
          macros = command.values;
          return nothing;
        case 'connect':
          server = macros.get('v')?.startsWith('Postfix') === false ? 'sendmail' : 'postfix';
          client = command.family === 'unix' ? undefined : canonicalAddress(command.address.replace(/^IPv6:/, ''));
          return { events: [event(time, 'connect')], question: question(time, 'connect'), refused: false };
        case 'helo':
          helo = command.name;
          return { events: [event(time, 'helo')], question: question(time, 'helo'), refused: false };
        case 'mail':
          reset();
          account = macros.get('{auth_authen}') || undefined;
          sender = withoutBrackets(command.address);
          size = sizeIn(command.parameters);
          return { events: [], question: question(time, 'sender'), refused: false };
        case 'rcpt':
          return hearRecipient(command.address, time);
        case 'data':
          return { events: [], question: question(time, 'data'), refused: false };
        case 'end-of-message': {
          const told = event(time, 'message', (draft) => {
            draft.sender = sender;
            draft.queueId = macros.get('i');
            draft.count = accepted;
          });
          // What it came to; only Sendmail says.
          size = Number(macros.get('{msg_size}')) || size;
          return {
            events: [told],
            question: question(time, 'message', accepted === 1 ? lastAccepted : undefined),
            refused: false,
          };
        }
        case 'unknown': {
          const told = event(time, 'command-error', (draft) => {
            draft.reason = 'unknown-command';
            draft.text = command.line;
          });
          return { events: [told], question: undefined, refused: false };
        }
        case 'abort':
          reset();
          return nothing;
        case 'quit':
        case 'quit-new-connection': {
          const told = client === undefined ? [] : [event(time, 'disconnect')];
          [client, helo, account] = [undefined, undefined, undefined];
          macros = new Map();
          reset();
          return { events: told, question: undefined, refused: false };
        }
        case 'negotiate':
        case 'header':
        case 'end-of-headers':
        case 'body':
          return nothing;
      }
    },
  };
};

/** Commands that the server waits for no reply to. */
const silent: ReadonlySet<MilterCommand['kind']> = new Set(['macros', 'abort', 'quit', 'quit-new-connection']);
export const wantsReply = (command: MilterCommand): boolean => !silent.has(command.kind);

const oneLine = (text: string): string => text.replaceAll(/[^ -$&-~]+/g, ' ').slice(0, 200);

/**
 * The replies to a command, in order. SHUTDOWN is never said: at the end of a message Postfix would answer 250 and drop
 * the mail. A held message is quarantined at its end, with the header that tells the postmaster whose it was.
 */
export const repliesOf = (verdict: Verdict, question: Question, refused: boolean): readonly MilterReply[] => {
  switch (verdict.kind) {
    case 'accept':
    case 'delay':
      return [{ kind: 'continue' }];
    case 'defer':
    case 'reject':
    case 'drop': {
      // Put off, it keeps the recipients of this transaction that it has.
      if (refused && verdict.kind === 'defer' && question.recipientsBefore !== undefined) return [{ kind: 'continue' }];
      const { code, enhanced, text } = verdict.reply;
      return [{ kind: 'reply-code', text: `${refused ? '421 4.7.0' : `${code} ${enhanced}`} ${oneLine(text)}` }];
    }
    case 'hold': {
      if (question.stage !== 'message') return [{ kind: 'continue' }];
      const name = question.account === undefined ? 'X-Relayed-From' : 'X-Authenticated-As';
      return [
        { kind: 'add-header', name, value: oneLine(question.account ?? question.client ?? '') },
        { kind: 'quarantine', reason: 'held by Postern for review' },
        { kind: 'continue' },
      ];
    }
  }
};
