/** Paths of RFC 5321 (`<local@domain>`) in the texts of every server. In a quoted local part anything may stand. */

/** The quote that closes the local part beginning at `from`, or `from` when it is not quoted. */
export const quoteEnd = (text: string, from: number): number => {
  if (text.charCodeAt(from) !== 34) return from;
  let at = from + 1;
  for (; at < text.length && text.charCodeAt(at) !== 34; at++) if (text.charCodeAt(at) === 92) at++;
  return at;
};

/** The `>` that closes the path whose text begins at `from`. */
export const pathEnd = (text: string, from: number): number => text.indexOf('>', quoteEnd(text, from));

/** `<a@b>` without its brackets, which only some servers write. */
export const withoutBrackets = (address: string): string =>
  address.startsWith('<') && address.endsWith('>') ? address.slice(1, -1) : address;
