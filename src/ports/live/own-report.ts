import { type ProcessReport } from './process-board.js';

/** What this process shows of itself on the board. */
export abstract class OwnReport {
  /** Whose board it is; null until the gate was seen open once. */
  abstract readonly installation: string | null;

  /** What it would write now. */
  abstract report(): ProcessReport;
}
