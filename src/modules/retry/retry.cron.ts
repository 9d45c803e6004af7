import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../platform/flow/clock.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { FailedEventDrainer } from './failed-event-drainer.js';
import { PendingSweeper } from '../sweeper/pending-sweeper.js';

/** The schedule, and nothing else: what is due is decided by the database's clock, and tests call the work itself. */
@Injectable()
export class RetryCron implements BeforeApplicationShutdown {
  private readonly logger = new Logger(RetryCron.name);
  private readonly shutdown = new AbortController();
  private readonly running = new Set<Promise<void>>();
  private readonly outage: OutageLog;

  constructor(
    private readonly drainer: FailedEventDrainer,
    private readonly sweeper: PendingSweeper,
    clock: Clock,
  ) {
    this.outage = new OutageLog(this.logger, clock, 'error');
  }

  /** Every 10 s. Never rejects. */
  @Cron('*/10 * * * * *', { name: 'failed-event-drain', waitForCompletion: true })
  drain(): Promise<void> {
    return this.track('drain', (signal) => this.drainer.drain(signal));
  }

  /** Every 10 s, between two drains. Never rejects. */
  @Cron('5/10 * * * * *', { name: 'pending-sweep', waitForCompletion: true })
  sweep(): Promise<void> {
    return this.track('sweep', (signal) => this.sweeper.sweep(signal));
  }

  /** Nest's scheduler stops its timers but waits for nobody; connections are closed after this hook. */
  async beforeApplicationShutdown(): Promise<void> {
    this.shutdown.abort();
    await Promise.all(this.running);
  }

  private async track(job: string, work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    if (this.shutdown.signal.aborted) return;
    const run = this.attempt(job, work);
    this.running.add(run);
    await run;
    this.running.delete(run);
  }

  private async attempt(job: string, work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    try {
      await work(this.shutdown.signal);
      this.outage.recovered(`${job} works again`, job);
    } catch (error) {
      this.outage.failed(`${job} failed, and will be tried again: ${String(error)}`, job);
    }
  }
}
