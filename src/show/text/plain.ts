/**
 * Text from logs made fit for a terminal: bytes decoded as UTF-8, and everything that could drive the terminal or hide
 * text (control characters, escape sequences, bidirectional marks, what has no width) shown as \xNN or \u{NNNN}.
 * Attackers write log lines.
 */
const harmful = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const notPlainAscii = /[^ -~]/;

const escaped = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
};

const noByte = /[^\0-\u00ff]/;

/** Bytes (a latin1 string) as the UTF-8 text they are; as it stands what is none, or is text already (typed, configured). */
export const decoded = (text: string): string => {
  if (noByte.test(text)) return text;
  const bytes = Buffer.from(text, 'latin1');
  const utf8 = bytes.toString('utf8');
  return utf8.includes('\ufffd') ? text : utf8;
};

export const plain = (text: string): string =>
  notPlainAscii.test(text) ? decoded(text).replace(harmful, escaped) : text;

/** The same for a JSON document, which stays the same document: JSON itself escapes nothing above U+001F. */
export const plainJson = (json: string): string =>
  notPlainAscii.test(json)
    ? json.replace(harmful, (character) =>
        character === '\n'
          ? character
          : character
              .split('')
              .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
              .join(''),
      )
    : json;
