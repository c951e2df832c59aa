/**
 * What a mail server's folder offers to the log reader. A grammar reads lines and tells events; it joins the lines of
 * one session and of one message, so it has a memory, and that memory is bounded. It never trusts what a client could
 * have written into a line: it reads from the fixed ends (`]: `, `client=` at the start), never by searching for a mark.
 */
import type { Tell } from '../model/ports.ts';
import type { Stamps } from '../protocols/syslog/stamps.ts';

/**
 * `event`: told at least one. `known`: understood, nothing to tell. `unmatched`: a line of this server's own programs
 * that no rule knows. `foreign`: not a line of this grammar.
 */
export type Understood = 'event' | 'known' | 'unmatched' | 'foreign';

/** Reads messages whose syslog (or journal) header has been taken off already. */
export type SyslogReader = {
  /**
   * @param time milliseconds since 1970 UTC
   * @param program the tag: `postfix/submission/smtpd`, `dovecot`, `sm-mta`, `exim`
   * @param pid digits, or '' when the header had none
   * @param message the line's text after `program[pid]: `, latin1
   */
  readonly read: (time: number, program: string, pid: string, message: string, tell: Tell) => Understood;
};

/** Reads whole lines of a log that the server writes itself (Exim mainlog, Dovecot log_path, Exchange CSV). */
export type LineReader = {
  readonly read: (line: string, tell: Tell) => Understood;
};

export type LineGrammar = {
  /** The report's `format`. */
  readonly format: string;
  /** True when this line can only be the beginning of (or a line in) this format. Cheap: called on foreign lines too. */
  readonly recognises: (line: string) => boolean;
  readonly reader: (stamps: Stamps) => LineReader;
};

export type SyslogGrammar = {
  /** True for the tags of this server's programs. */
  readonly owns: (program: string) => boolean;
  readonly reader: () => SyslogReader;
};
