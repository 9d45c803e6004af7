import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { lagsOf } from '../../ports/log/partition-lag.js';

/** From the end of one reading to the next, ms. */
const INTERVAL_MS = 10_000;
/** From the start of the process to the first reading, ms. */
const FIRST_AFTER_MS = 500;

/**
 * Measures `coupon_consumer_lag{partition}` in a loop of its own. It goes on when the consumer, the sweeper or the gate
 * stands still, and no scrape waits for a broker.
 */
@Injectable()
export class ConsumerLag implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ConsumerLag.name);
  private readonly lag: Gauge<'partition'>;
  private readonly readings: PeriodicTask;

  constructor(
    private readonly log: ClaimLog,
    registry: MetricsRegistry,
    timers: Timers,
  ) {
    this.readings = new PeriodicTask(timers, INTERVAL_MS, () => this.measure());
    this.lag = new Gauge({
      name: 'coupon_consumer_lag',
      help: 'Claim events of a partition that the consumer has not settled yet',
      labelNames: ['partition'],
      registers: [registry],
    });
  }

  onApplicationBootstrap(): void {
    this.readings.start(FIRST_AFTER_MS);
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.readings.stop();
  }

  /** Never rejects. While the log does not answer, the metric has no value: an old one would hide that the lag grows. */
  async measure(): Promise<void> {
    try {
      // Read the end last: what is appended during the reading then counts as lag.
      const committed = await this.log.committedOffsets();
      const start = await this.log.startOffsets();
      const end = await this.log.endOffsets();
      for (const { partition, lag } of lagsOf(committed, start, end)) this.lag.set({ partition }, lag);
    } catch (error) {
      this.lag.reset();
      this.logger.debug(`the lag of the consumer cannot be read: ${(error as Error).message}`);
    }
  }
}
