/** The answer to a policy request (SMTPD_POLICY_README): one `action=` line with what access(5) allows, an empty line. */
export const encodeAnswer = (action: string): string => `action=${action}\n\n`;
