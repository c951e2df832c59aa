/**
 * Text from logs made fit for a terminal: bytes decoded as UTF-8, and everything that could drive the terminal or hide
 * text (control characters, escape sequences, bidirectional marks) shown as \xNN or \u{NNNN}. Attackers write log lines.
 */
const isHarmful = (code: number): boolean =>
  code < 32 ||
  (code >= 127 && code < 160) ||
  (code >= 0x200b && code <= 0x200f) ||
  (code >= 0x2028 && code <= 0x202e) ||
  (code >= 0x2060 && code <= 0x2069) ||
  code === 0xfeff;

const escaped = (code: number): string =>
  code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;

const isPlainAscii = (text: string): boolean => {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 32 || code > 126) return false;
  }
  return true;
};

/** Bytes (a latin1 string) as the UTF-8 text they are; as they stand when they are none. */
export const decoded = (text: string): string => {
  const bytes = Buffer.from(text, 'latin1');
  const utf8 = bytes.toString('utf8');
  return utf8.includes('\ufffd') ? text : utf8;
};

export const plain = (text: string): string => {
  if (isPlainAscii(text)) return text;
  let shown = '';
  for (const character of decoded(text)) {
    const code = character.codePointAt(0) ?? 0;
    shown += isHarmful(code) ? escaped(code) : character;
  }
  return shown;
};
