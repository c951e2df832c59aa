/** SMTP replies (RFC 5321 §4.2): a value to lines, and bytes of a server to values. */
export type SmtpReply = {
  readonly code: number;
  /** Enhanced code (RFC 3463) and text, a line each; latin1. */
  readonly lines: readonly string[];
};

/** Beyond, a server is out of step. */
export const replyBytesMax = 64 * 1024;
const lineLengthMax = 500;

/** No text ends its line, whatever a client or a server wrote into it. */
const safe = (line: string): string => line.replaceAll(/[^ -~\u0080-\u00ff]+/g, ' ').slice(0, lineLengthMax);

export const encodeReply = ({ code, lines }: SmtpReply): string =>
  lines.map((line, at) => `${code}${at === lines.length - 1 ? ' ' : '-'}${safe(line)}\r\n`).join('');

export const reply = (code: number, ...lines: readonly string[]): SmtpReply => ({ code, lines });

export type ReplyReader = {
  /** The replies that this text completes, in order; `garbage` once, and nothing after it. */
  readonly read: (text: string) => readonly (SmtpReply | 'garbage')[];
};

export const createReplyReader = (): ReplyReader => {
  let pending = '';
  let lines: string[] = [];
  let bytes = 0;
  let spent = false;

  const readLine = (line: string): SmtpReply | 'garbage' | undefined => {
    const parts = /^([2-5][0-5][0-9])(?:([ -])(.*))?$/.exec(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (parts === null) return 'garbage';
    lines.push(parts[3] ?? '');
    if (parts[2] === '-') return undefined;
    const whole = { code: Number(parts[1]), lines };
    lines = [];
    bytes = 0;
    return whole;
  };

  return {
    read: (text) => {
      const replies: (SmtpReply | 'garbage')[] = [];
      if (spent) return replies;
      pending += text;
      bytes += text.length;
      for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
        const found = readLine(pending.slice(0, end));
        pending = pending.slice(end + 1);
        if (found !== undefined) replies.push(found);
        if (found === 'garbage') spent = true;
        if (spent) return replies;
      }
      if (bytes > replyBytesMax) {
        spent = true;
        replies.push('garbage');
      }
      return replies;
    },
  };
};
