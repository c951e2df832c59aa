/**
 * What a server's configuration needs so that it asks Postern, as a change of its text (latin1, everything else byte for
 * byte). Dangerous defaults are set explicitly: who does not get an answer lets mail flow.
 */
export type Change =
  | { readonly kind: 'changed'; readonly text: string; readonly lines: readonly string[] }
  /** It asks already. */
  | { readonly kind: 'nothing' }
  /** Not to be done by a program; what a person does instead. */
  | { readonly kind: 'by-hand'; readonly why: string };
