/** What a command is. One table (`commands.ts`) holds them all; help, completion and dispatch come from it. */
export type Option = {
  readonly name: string;
  readonly short?: string;
  /** Present: the option takes a value, called so in the help. */
  readonly value?: string;
  readonly sentence: string;
};

export type Call = {
  /** Values of options, by name; a switch that was given is 'true'. */
  readonly options: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
};

export type Command = {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly options: readonly Option[];
  readonly examples: readonly string[];
  /** At least so many operands. */
  readonly operandsMin: number;
  readonly operandsMax: number;
  /** @returns the exit status (DESIGN §7) */
  readonly run: (call: Call) => Promise<number>;
};

export type CommandGroup = { readonly title: string; readonly commands: readonly Command[] };

export const jsonOption: Option = { name: 'json', sentence: 'One JSON document instead of text.' };
export const zoneOption: Option = {
  name: 'zone',
  value: 'ZONE',
  sentence: 'What stamps without zone mean: local (default), utc or ±hh:mm.',
};
