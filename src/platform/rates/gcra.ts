/**
 * Lets one stream of calls pass at a steady rate, by the generic cell rate algorithm. Its whole state is the instant at
 * which everything that has passed is paid off.
 */
export class Gcra {
  private readonly intervalMs: number;
  private paidOffAt = 0;

  /**
   * @param perSecond how many calls may pass in a second.
   * @param toleranceMs how far calls may run ahead of that rate: so much of it may pass at once after a pause.
   */
  constructor(
    perSecond: number,
    private readonly toleranceMs: number,
  ) {
    this.intervalMs = 1_000 / perSecond;
  }

  /** @param now monotonic, ms. */
  admits(now: number): boolean {
    const from = Math.max(this.paidOffAt, now);
    if (from - now > this.toleranceMs) return false;
    this.paidOffAt = from + this.intervalMs;
    return true;
  }
}
