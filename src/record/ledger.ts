/** The ledger: what must survive a crash. One conformance suite (`ledger.test.ts`) holds every implementation. */
import type { Receipts } from '../model/receipt.ts';

export type Ledger = {
  readonly receipts: Receipts;
  readonly close: () => void;
};
