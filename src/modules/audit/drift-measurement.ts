import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { campaignPages } from '../../ports/database/campaign-pages.js';
import { Database } from '../../ports/database/database.js';
import { DriftMetrics } from './drift.metrics.js';
import { PromiseAudit } from './promise-audit.js';

/** After the gate is open, ms: soon, so that the metric is there. */
const FIRST_AFTER_MS = 3_000;
/** From the end of one round to the next, ms: it counts every coupon row. */
const INTERVAL_MS = 30_000;

/**
 * Audits every campaign for the metric of its drift. In a loop of its own: a round over many coupons takes long, and
 * what the reconciler carries to the gate must not wait for it.
 */
@Injectable()
export class DriftMeasurement implements BeforeApplicationShutdown {
  private readonly logger = new Logger(DriftMeasurement.name);
  private readonly rounds: PeriodicTask;
  private readonly outage: OutageLog;

  constructor(
    private readonly database: Database,
    private readonly audit: PromiseAudit,
    private readonly metrics: DriftMetrics,
    clock: Clock,
    timers: Timers,
  ) {
    this.outage = new OutageLog(this.logger, clock);
    this.rounds = new PeriodicTask(timers, INTERVAL_MS, () => this.measure());
  }

  /** To be called when an in-process gate is open: the counting would make its rebuild wait, and so the start. */
  start(): void {
    this.rounds.start(FIRST_AFTER_MS);
  }

  /** Before the connections close: what runs here needs them. */
  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  /** One round over all campaigns. Never rejects. */
  async measure(): Promise<void> {
    try {
      for await (const { campaigns } of campaignPages(this.database)) {
        for (const { id, state } of campaigns) {
          if (this.rounds.stopped) return;
          // Closed is final; years of closed campaigns must not cost a count each. The audit call still looks at them.
          if (state !== 'CLOSED') await this.measureOne(id);
        }
      }
      this.outage.recovered('drift can be measured again');
    } catch (error) {
      this.outage.failed(`drift cannot be measured: ${(error as Error).message}`);
    }
  }

  /**
   * Never rejects: a campaign with more rows than can be counted within the limit of a call must not keep those behind
   * it from being measured. Its metric stays as it was.
   */
  private async measureOne(id: string): Promise<void> {
    try {
      const audit = await this.audit.audit(id);
      if (audit !== null) this.metrics.set(id, audit.drift);
      this.outage.recovered(`the drift of campaign ${id} can be measured again`, id);
    } catch (error) {
      this.outage.failed(`the drift of campaign ${id} cannot be measured: ${(error as Error).message}`, id);
    }
  }
}
