/** The message of a Sendmail queue file and its df file, as text: H lines with what continues them, a blank line, the body. */

/** `?flags?` before a header; with Sendmail's own mark (0x81) in it the header is only made at delivery (Return-Path). */
const headerIn = (value: string): string => (value.startsWith('?') ? value.slice(value.indexOf('?', 1) + 1) : value);

export const messageText = (envelope: string, body: string): string => {
  const lines: string[] = [];
  let isHeader = false;
  for (const line of envelope.split('\n')) {
    if (line === '.') break;
    if (line.startsWith('H')) {
      const header = headerIn(line.slice(1));
      isHeader = !header.includes('\x81');
      if (isHeader) lines.push(header);
    } else if (isHeader && /^[ \t]/.test(line)) lines.push(line);
    else isHeader = false;
  }
  return `${lines.join('\n')}\n\n${body}`;
};
