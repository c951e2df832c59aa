/** The attacks that Postern names (DESIGN §2). The same words stand in every output. */
export const attackNames = [
  'dictionary',
  'backscatter',
  'relay',
  'password-guessing',
  'compromised-account',
  'outbound-flood',
  'protocol-abuse',
  'connection-flood',
  'dns-storm',
] as const;
export type AttackName = (typeof attackNames)[number];
