/**
 * How far the thread that reads may run ahead, and whether it is to stop: two numbers that both threads see. A message for
 * each batch that was heard would cost more than the batch.
 */
export type Control = Int32Array<SharedArrayBuffer>;

/** Batches that the other thread has not heard yet. */
const unheardMax = 6;
const heard = 0;
const stopped = 1;

export const newControl = (): Control => new Int32Array(new SharedArrayBuffer(8));

/** Another batch was heard. */
export const hear = (control: Control): void => {
  Atomics.add(control, heard, 1);
  Atomics.notify(control, heard);
};

export const orderStop = (control: Control): void => {
  Atomics.store(control, stopped, 1);
  // Who waits looks again.
  hear(control);
};

export const isStopped = (control: Control): boolean => Atomics.load(control, stopped) !== 0;

/** Blocks this thread while too many of the batches that it sent are not heard. */
export const waitForHearing = (control: Control, sent: number): void => {
  while (!isStopped(control)) {
    const count = Atomics.load(control, heard);
    if (sent - count < unheardMax) return;
    Atomics.wait(control, heard, count);
  }
};
