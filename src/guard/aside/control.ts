/**
 * How far the thread that reads may run ahead, and whether it is to stop: a few numbers that both threads see. A message for
 * each batch that was heard would cost more than the batch.
 */
export type Control = Int32Array<SharedArrayBuffer>;

/** Batches that the other thread has not heard yet; who waits is woken when half of them are. */
const unheardMax = 8;
const heard = 0;
const stopped = 1;
/** How many must have been heard to wake who waits. */
const wakeAt = 2;

export const newControl = (): Control => new Int32Array(new SharedArrayBuffer(12));

/** Another batch was heard. */
export const hear = (control: Control): void => {
  if (Atomics.add(control, heard, 1) + 1 >= Atomics.load(control, wakeAt)) Atomics.notify(control, heard);
};

export const orderStop = (control: Control): void => {
  Atomics.store(control, stopped, 1);
  // Who waits looks again.
  Atomics.add(control, heard, 1);
  Atomics.notify(control, heard);
};

export const isStopped = (control: Control): boolean => Atomics.load(control, stopped) !== 0;

/** Blocks this thread while too many of the batches that it sent are not heard. */
export const waitForHearing = (control: Control, sent: number): void => {
  if (sent - Atomics.load(control, heard) < unheardMax) return;
  const enough = sent - unheardMax / 2;
  Atomics.store(control, wakeAt, enough);
  for (;;) {
    const count = Atomics.load(control, heard);
    if (count >= enough || isStopped(control)) return;
    Atomics.wait(control, heard, count);
  }
};
