/**
 * The fixed list of what Postern may do to the machine outside its own state. `act/` plans in these verbs; the helper (or
 * the command line, when it is root itself) carries them out. No shell anywhere: a program and its arguments.
 */
import type { SpoolAnswer, SpoolVerb } from './spool-verb.ts';

/** What is kept of a file so that it can be put back exactly. Times in nanoseconds since 1970 as decimal text. */
export type FileFacts = {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedNs: string;
  readonly accessedNs: string;
};
export type SeenFile = { readonly bytes: Uint8Array; readonly facts: FileFacts };

/** Programs that may be run; where each lies and which arguments it may have is the helper's own table. */
export const programs = [
  'nft',
  'postconf',
  'postfix',
  'postmap',
  'postqueue',
  'postsuper',
  'postcat',
  'exim',
  'update-exim4.conf',
  'sendmail',
  'sendmail-mta',
  'makemap',
  'newaliases',
  'doveconf',
  'doveadm',
  'usermod',
  'passwd',
] as const;
export type Program = (typeof programs)[number];

/** What the configured program is told to do; `status` prints `open`, `locked` or `unknown`. */
export const accountDeeds = ['lock', 'unlock', 'status'] as const;
export type AccountDeed = (typeof accountDeeds)[number];

/** What must not be blocked, and why in words: `this server's own address`. */
export type Protection = { readonly network: string; readonly why: string };

/** Daemons that read their configuration again at SIGHUP. */
export const hangUpDaemons = ['exim', 'sendmail'] as const;
export type HangUpDaemon = (typeof hangUpDaemons)[number];

export type Verb =
  /** Asks which of some addresses and networks overlap what is never blocked; enforced besides, whoever asked or not. */
  | { readonly verb: 'who-protects'; readonly subjects: readonly string[] }
  | SpoolVerb
  /** The program of root's configuration that locks accounts of a store of its own; which one is no word of the guard's. */
  | { readonly verb: 'account-command'; readonly does: AccountDeed; readonly account: string }
  | { readonly verb: 'read-file'; readonly path: string }
  /**
   * Written beside and renamed. `expected`: the bytes that the plan saw (undefined: no such file); anything else now there
   * makes it fail with `changed`, nothing done. `content` undefined removes the file. `facts`: restores these, too.
   * The expected bytes again and no facts: nothing is written, only said whether it might be.
   */
  | {
      readonly verb: 'replace-file';
      readonly path: string;
      readonly expected: Uint8Array | undefined;
      readonly content: Uint8Array | undefined;
      readonly facts?: FileFacts;
    }
  /** @returns false when it does not run */
  | { readonly verb: 'hang-up'; readonly daemon: HangUpDaemon }
  | {
      readonly verb: 'run';
      readonly program: Program;
      readonly args: readonly string[];
      /** As `Ran`: one character a byte. */
      readonly input?: string;
      readonly timeoutMs?: number;
    };

/** Output as latin1: one character a byte, as log text everywhere. */
export type Ran = { readonly status: number; readonly stdout: string; readonly stderr: string };

export type VerbAnswer<V extends Verb> = V extends { verb: 'read-file' }
  ? SeenFile | undefined
  : V extends { verb: 'run' }
    ? Ran
    : V extends { verb: 'account-command' }
      ? /** Undefined: none is configured. */ Ran | undefined
      : V extends { verb: 'who-protects' }
        ? readonly (Protection | undefined)[]
        : V extends { verb: 'hang-up' }
          ? boolean
          : V extends SpoolVerb
            ? SpoolAnswer<V>
            : undefined;

/**
 * @throws Fault PARTLY_DONE when it failed (nothing is done then), CONFIG when the program is not on this machine,
 * REFUSED_FOR_SAFETY when the helper does not allow it; a program's own failure is its status
 */
export type CarryOut = <V extends Verb>(verb: V) => Promise<VerbAnswer<V>>;
