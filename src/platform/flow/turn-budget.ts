/**
 * Ends a turn of the event loop once work of this kind has taken so much of it. Work that awaits only promises that are
 * settled already never leaves the turn: sockets and timers wait until its last step.
 */
export class TurnBudget {
  /** When the first step of this turn began, monotonic, ms; null in a turn without one. */
  private startedAt: number | null = null;

  /** @param ms of one turn. A single step may take longer. */
  constructor(private readonly ms: number) {}

  /** Await it before each step. Resolves in the same turn, or in the next one when the budget is used up. */
  async giveWay(): Promise<void> {
    if (this.startedAt !== null && performance.now() - this.startedAt >= this.ms) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (this.startedAt !== null) return;
    this.startedAt = performance.now();
    setImmediate(() => (this.startedAt = null));
  }
}
