import { type Logger } from '@nestjs/common';
import { type Clock } from './clock.js';
import { OutageLog } from './outage-log.js';

/** A job that a schedule runs. An outage is logged once, and a stop waits for the runs that are under way. */
export class ScheduledJob {
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

  /** Never rejects. Does nothing after {@link stop}. */
  async run(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const run = this.attempt();
    this.running.add(run);
    await run;
    this.running.delete(run);
  }

  /** Aborts the runs that are under way. No run begins after it. */
  abort(): void {
    this.stopping.abort();
  }

  /** Aborts the runs that are under way and waits for them. Nest's scheduler only stops its timers. */
  async stop(): Promise<void> {
    this.abort();
    await Promise.all(this.running);
  }

  private async attempt(): Promise<void> {
    try {
      await this.work(this.stopping.signal);
      this.outage.recovered(`${this.name} works again`);
    } catch (error) {
      this.outage.failed(`${this.name} failed, and will be tried again: ${String(error)}`);
    }
  }
}
