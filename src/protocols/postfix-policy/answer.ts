/** The answer of a policy server (SMTPD_POLICY_README): one `action=` line with what access(5) allows, an empty line. */
export const encodeAnswer = (action: string): string => `action=${action}\n\n`;

/** Its end included. */
export const answerBytesMax = 4096;

/** @returns what stands first in `text`; `rest` is what follows it; undefined when its end is not there yet */
export const decodeAnswer = (text: string): { readonly action: string; readonly rest: string } | undefined => {
  const end = text.indexOf('\n\n');
  if (end < 0) return undefined;
  const line = text
    .slice(0, end)
    .split('\n')
    .find((each) => each.startsWith('action='));
  return { action: (line ?? '').slice('action='.length), rest: text.slice(end + 2) };
};
