import { Logger } from '@nestjs/common';
import { type Clock } from './clock.js';
import { type Timer, type Timers } from './timers.js';

const SECOND_MS = 1_000;
/** A timer may run a little early, and then the same second must not come twice, ms. */
const SHORTEST_MS = 100;

/**
 * Calls `work` at the same point of every second of the wall clock, so that several processes do their part at the same
 * time. A round that is not over when the next is due makes that one be left out. A round that fails is logged.
 */
export class EverySecond {
  private readonly logger = new Logger(EverySecond.name);
  private timer: Timer | undefined;
  private running = false;
  private round: Promise<void> | null = null;

  /** @param offsetMs the point of the second, ms. */
  constructor(
    private readonly clock: Clock,
    private readonly timers: Timers,
    private readonly offsetMs: number,
    private readonly work: () => unknown,
  ) {}

  /** Does nothing while it runs. */
  start(): void {
    if (this.running) return;
    this.running = true;
    if (this.round === null) this.schedule();
  }

  /** Resolves when a round that is under way has ended. Never rejects. `work` itself may call it without waiting. */
  async stop(): Promise<void> {
    this.running = false;
    this.timers.cancel(this.timer);
    await this.round;
  }

  private schedule(): void {
    const into = (this.clock.wall() - this.offsetMs) % SECOND_MS;
    const left = SECOND_MS - (into < 0 ? into + SECOND_MS : into);
    this.timer = this.timers.after(left < SHORTEST_MS ? left + SECOND_MS : left, () => {
      this.round = this.run();
    });
  }

  private async run(): Promise<void> {
    try {
      await this.work();
    } catch (error) {
      this.logger.error(error instanceof Error ? error.stack : error);
    }
    this.round = null;
    if (this.running) this.schedule();
  }
}
