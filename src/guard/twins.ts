/**
 * The same line in two files is one fact: Exim's reject log repeats its main log, mail.info repeats mail.log. The same
 * line twice in one file is two facts, so the file that holds a line most often counts.
 */
export type Twins<File> = {
  /** True when another file has told this already. @param time milliseconds since 1970; rises but for disorder in a log */
  readonly told: (time: number, line: string, file: File) => boolean;
};

/** Files may lag behind each other by what they round their stamps to. */
const windowMs = 2000;
const linesMax = 100_000;

export const createTwins = <File>(): Twins<File> => {
  let began = -Infinity;
  let recent = new Map<string, Map<File, number>>();
  let older = recent;
  return {
    told: (time, line, file) => {
      if (Math.abs(time - began) > windowMs || recent.size >= linesMax) {
        [older, recent] = [recent, new Map()];
        began = time;
      }
      let counts = recent.get(line) ?? older.get(line);
      if (counts === undefined) recent.set(line, (counts = new Map()));
      const most = Math.max(0, ...counts.values());
      const count = (counts.get(file) ?? 0) + 1;
      counts.set(file, count);
      return count <= most;
    },
  };
};
