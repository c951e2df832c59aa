/** Every grammar. A new mail server is a folder here and a line below. */
import type { ServerName } from '../model/event.ts';
import { dovecotFileGrammar, dovecotGrammar } from './dovecot/log.ts';
import { eximFileGrammar, eximGrammar } from './exim/log.ts';
import { exchangeGrammar } from './exchange/log.ts';
import type { LineGrammar, SyslogGrammar } from './grammar.ts';
import { postfixGrammar } from './postfix/log.ts';
import { sendmailGrammar } from './sendmail/log.ts';

export const syslogGrammars: readonly { readonly server: ServerName; readonly grammar: SyslogGrammar }[] = [
  { server: 'postfix', grammar: postfixGrammar },
  { server: 'dovecot', grammar: dovecotGrammar },
  { server: 'exim', grammar: eximGrammar },
  { server: 'sendmail', grammar: sendmailGrammar },
];

export const lineGrammars: readonly { readonly server: ServerName; readonly grammar: LineGrammar }[] = [
  { server: 'exim', grammar: eximFileGrammar },
  { server: 'dovecot', grammar: dovecotFileGrammar },
  { server: 'exchange', grammar: exchangeGrammar },
];
