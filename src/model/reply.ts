/** One SMTP reply. The enhanced code (RFC 3463) cannot disagree with the basic one (RFC 5321 §4.2): it would not compile. */
type ReplyClass = '2' | '4' | '5';

export type Reply<C extends ReplyClass = ReplyClass> = {
  [K in C]: { readonly code: `${K}${number}`; readonly enhanced: `${K}.${number}.${number}`; readonly text: string };
}[C];

/** Who is put off hears the same words, whether its session goes on by itself or is held. */
export const laterReply: Reply<'4'> = {
  code: '450',
  enhanced: '4.7.1',
  text: 'Too many errors from your address, try again later',
};
