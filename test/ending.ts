/** Loaded into each test file's process: when its tests are over and something is still open, it says what and ends. */
import { after } from 'node:test';
import { isMainThread } from 'node:worker_threads';

/** Of a slow machine. What was begun and cannot be stopped in this time would keep the whole run. */
const endMsMax = 60_000;

if (isMainThread)
  after(() => {
    setTimeout(() => {
      process.stderr.write(`still open after the last test: ${process.getActiveResourcesInfo().join(' ')}\n`);
      process.exit(1);
    }, endMsMax).unref();
  });
