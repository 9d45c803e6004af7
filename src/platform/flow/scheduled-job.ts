import { type BeforeApplicationShutdown, type Logger, type OnModuleDestroy } from '@nestjs/common';
import { type Clock } from './clock.js';
import { OutageLog } from './outage-log.js';

/** A job that a schedule runs. An outage is logged once, and a stop waits for the runs that are under way. */
export class ScheduledJob implements OnModuleDestroy, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private readonly running = new Set<Promise<void>>();
  private readonly outage: OutageLog;

  constructor(
    private readonly name: string,
    private readonly work: (signal: AbortSignal) => Promise<unknown>,
    logger: Logger,
    clock: Clock,
  ) {
    this.outage = new OutageLog(logger, clock, 'error');
  }

  /** Never rejects. Does nothing once the application stops. */
  async run(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const run = this.attempt();
    this.running.add(run);
    await run;
    this.running.delete(run);
  }

  /** Aborts the runs that are under way. Nest waits for one module after another: all are aborted before the first wait. */
  onModuleDestroy(): void {
    this.stopping.abort();
  }

  /**
   * Waits for the runs that are under way: Nest's scheduler only stops its timers. This is before the connections close,
   * because the work needs them.
   */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.running);
  }

  private async attempt(): Promise<void> {
    try {
      await this.work(this.stopping.signal);
      this.outage.recovered(`${this.name} works again`);
    } catch (error) {
      this.outage.failed(`${this.name} failed, and will be tried again: ${(error as Error).message}`);
    }
  }
}
