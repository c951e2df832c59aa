/**
 * Operational failures with a stable code and a way out. Hostile input is never a Fault: it is a value, and counted.
 * The code's exit status follows DESIGN §7.
 */
export const faultCodes = {
  USAGE: 2,
  CONFIG: 2,
  INPUT_UNREADABLE: 3,
  REFUSED_FOR_SAFETY: 4,
  PARTLY_DONE: 5,
  GUARD_NOT_REACHABLE: 6,
} as const;
export type FaultCode = keyof typeof faultCodes;

export class Fault extends Error {
  readonly code: FaultCode;
  /** @param message what happened, where, and what to do */
  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Fault';
    this.code = code;
  }
}

/** What was thrown, for people. */
export const errorWords = (error: unknown): string => (error instanceof Error ? error.message : String(error));
