/**
 * The ACLs by which Exim asks (spec.txt, chapters "Access control lists" and "String expansions", readsocket): one a
 * stage, for `.include` in the ACL section; each begins a stage's own ACL with `require acl = postern_rcpt`.
 *
 * Fails open: no answer within the time is `v=accept`, and so is an empty one. The request is tainted data and may be;
 * every value that a client shapes is base64 in it. `shutdown=no` because a half-closed request loses the answer of a
 * server that answers later. A recipient is looked up before the question, so that the question can say how it went.
 */
export type EximHook = {
  /** `inet:127.0.0.1:10042` or a path. */
  readonly socket: string;
  readonly timeoutSeconds: number;
};

const field = (name: string, value: string): string => `\\t${name}=\${str2b64:${value}}`;
const ask = (stage: string, more: string): string =>
  `  warn    set acl_c_postern = \${readsocket{POSTERN_SOCKET}{postern1\\tstage=${stage}${more}\\n}{POSTERN_PATIENCE}{ }{v=accept}}`;

const who = `${field('ip', '$sender_host_address')}${field('helo', '$sender_helo_name')}`;
const account = field('account', '$authenticated_id');
const sender = field('sender', '$sender_address');

/** `$recipients` may be read in the ACLs of DATA; a list of several is nobody's in particular. */
const onlyRecipient = field('recipient', '${if ={$recipients_count}{1}{$recipients}}');

const knownRecipient = [
  '  warn    set acl_m_postern = accepted',
  '  warn    !verify = recipient/defer_ok',
  '          set acl_m_postern = unknown',
];

const stages: readonly (readonly [string, readonly string[]])[] = [
  ['connect', [ask('connect', who)]],
  ['helo', [ask('helo', who)]],
  ['auth', [ask('auth', who)]],
  ['mail', [ask('mail', `${who}${account}${sender}`)]],
  [
    'rcpt',
    [
      ...knownRecipient,
      ask(
        'rcpt',
        `${who}${account}${sender}${field('recipient', '$local_part@$domain')}\\toutcome=$acl_m_postern\\tcount=$rcpt_count\\tsize=$message_size`,
      ),
    ],
  ],
  // Before the message is sent: whoever is refused here does not send it.
  ['predata', [ask('predata', `${who}${account}${sender}${onlyRecipient}\\tcount=$recipients_count`)]],
  [
    'data',
    [
      ask(
        'data',
        `${who}${account}${sender}${field('id', '$message_exim_id')}${onlyRecipient}\\tcount=$recipients_count\\tsize=$message_size`,
      ),
    ],
  ],
];
const tellers: readonly (readonly [string, string])[] = [
  ['quit', who],
  ['notquit', `${who}\\twhy=$smtp_notquit_reason`],
];

const obeyText = `
postern_obey:
  warn    condition = \${extract{delay}{$acl_c_postern}{true}{false}}
          delay     = \${extract{delay}{$acl_c_postern}{$value}{0}}s
  drop    condition = \${if eq{\${extract{v}{$acl_c_postern}}}{drop}}
          message   = \${extract{msg}{$acl_c_postern}{$value}{closing connection}}
          log_message = postern
  deny    condition = \${if eq{\${extract{v}{$acl_c_postern}}}{deny}}
          message   = \${extract{msg}{$acl_c_postern}{$value}{refused}}
          log_message = postern
  defer   condition = \${if eq{\${extract{v}{$acl_c_postern}}}{defer}}
          message   = \${extract{msg}{$acl_c_postern}{$value}{try again later}}
          log_message = postern
  accept

# Only where a message can be frozen: in the ACL of DATA.
postern_freeze:
  warn    condition = \${if eq{\${extract{v}{$acl_c_postern}}}{freeze}}
          add_header = \${extract{hdr}{$acl_c_postern}{$value}{}}
          control   = freeze/no_tell
          log_message = postern holds it for review
  accept
`;

/** The text of the include file. */
export const eximAcls = ({ socket, timeoutSeconds }: EximHook): string =>
  [
    '# Postern: Exim asks at each stage; without an answer mail flows on.',
    `POSTERN_SOCKET = ${socket}`,
    `POSTERN_PATIENCE = ${timeoutSeconds}s:shutdown=no`,
    ...stages.map(([stage, lines]) =>
      [
        `\npostern_${stage}:`,
        ...lines,
        ...(stage === 'data' ? ['  require acl = postern_freeze'] : []),
        '  require acl = postern_obey',
        '  accept',
      ].join('\n'),
    ),
    ...tellers.map(([stage, fields]) => [`\npostern_${stage}:`, ask(stage, fields), '  accept'].join('\n')),
    obeyText,
  ].join('\n');
