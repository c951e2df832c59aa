/** Turns the wall-clock fields of a stamp without zone into time. The door decides which zone such stamps mean. */
export type Zone = {
  /** As it is written in a setting: `local`, `utc`, `+01:00`. */
  readonly name: string;
  /** month 1–12, second 0–60; milliseconds since 1970 UTC. */
  readonly toTime: (year: number, month: number, day: number, hour: number, minute: number, second: number) => number;
};
