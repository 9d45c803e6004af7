import { Logger } from '@nestjs/common';
import { type Timer, type Timers } from './timers.js';

/**
 * Repeats `work`. The next round begins `everyMs` after the last one has ended, so two rounds never run at once. A
 * round that fails is logged, and the next one follows.
 */
export class PeriodicTask {
  private readonly logger = new Logger(PeriodicTask.name);
  private state: 'idle' | 'started' | 'stopped' = 'idle';
  private timer: Timer | undefined;
  private round: Promise<void> | null = null;

  constructor(
    private readonly timers: Timers,
    private readonly everyMs: number,
    private readonly work: () => unknown,
  ) {}

  get stopped(): boolean {
    return this.state === 'stopped';
  }

  /** Does nothing if the task is already started or was stopped. */
  start(firstAfterMs = this.everyMs): void {
    if (this.state !== 'idle') return;
    this.state = 'started';
    if (this.round === null) this.schedule(firstAfterMs);
  }

  /** No round begins until {@link start} is called again. `work` itself may call this. */
  pause(): void {
    if (this.state === 'started') this.state = 'idle';
    this.timers.cancel(this.timer);
  }

  /** Ends the task for good. Resolves when a round that is under way has ended. Never rejects. */
  async stop(): Promise<void> {
    this.state = 'stopped';
    this.timers.cancel(this.timer);
    await this.round;
  }

  private schedule(ms: number): void {
    this.timer = this.timers.after(ms, () => {
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
    if (this.state === 'started') this.schedule(this.everyMs);
  }
}
