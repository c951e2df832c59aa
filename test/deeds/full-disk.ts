/** Makes a disk full. */
import { writeFileSync } from 'node:fs';

/** Writes until nothing fits any more. */
export const fill = (file: string): void => {
  for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) writeFileSync(file, 'x'.repeat(size), { flag: 'a' });
    } catch {
      // Smaller ones may still fit.
    }
  }
};
