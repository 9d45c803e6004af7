import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { SlowTurns } from '../../platform/values/slow-turns.js';
import { campaignPages } from '../../ports/database/campaign-pages.js';
import { type Campaign } from '../../domain/campaign.js';
import { Database } from '../../ports/database/database.js';
import { KnownDrifts } from '../../ports/live/known-drifts.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { QuietCampaigns } from '../gate-watch/quiet-campaigns.js';
import { DriftMetrics } from './drift.metrics.js';
import { PromiseAudit } from './promise-audit.js';

/** From the opening of the gate to the first round, ms. */
const FIRST_AFTER_MS = 3_000;
/** From the end of one round to the next, ms. */
const INTERVAL_MS = 30_000;
/**
 * Quiet campaigns that one round audits. 1,000 may have series of their own: each has its turn within 13 minutes, before
 * the alert on the age of a drift.
 */
const TURNS = 40;

/**
 * Audits every campaign at the gate for the metric of its drift, quiet ones by turns. It has a loop of its own, because a
 * round over many coupons takes long and would delay the reconciler.
 */
@Injectable()
export class DriftMeasurement implements BeforeApplicationShutdown {
  private readonly logger = new Logger(DriftMeasurement.name);
  private readonly rounds: PeriodicTask;
  private readonly outage: OutageLog;
  private readonly turns = new SlowTurns(TURNS);

  constructor(
    private readonly database: Database,
    private readonly audit: PromiseAudit,
    private readonly metrics: DriftMetrics,
    private readonly watch: EpochWatch,
    private readonly quiet: QuietCampaigns,
    private readonly drifts: KnownDrifts,
    private readonly clock: Clock,
    timers: Timers,
  ) {
    this.outage = new OutageLog(this.logger, clock);
    this.rounds = new PeriodicTask(timers, INTERVAL_MS, () => this.measure());
  }

  /** Call it after an in-process gate is open: earlier, the counting would delay its rebuild and the start. */
  start(): void {
    this.rounds.start(FIRST_AFTER_MS);
  }

  /** Before the connections close, because the work needs them. */
  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  /** One round over all campaigns at the gate. Never rejects. */
  async measure(): Promise<void> {
    this.turns.begin();
    try {
      for await (const { campaigns } of campaignPages(this.database)) {
        for (const campaign of campaigns) {
          if (this.rounds.stopped) return;
          if (this.isDue(campaign)) await this.measureOne(campaign.id);
        }
      }
      this.turns.end();
      this.outage.recovered('drift can be measured again');
    } catch (error) {
      this.outage.failed(`drift cannot be measured: ${(error as Error).message}`);
    }
  }

  /**
   * A closed campaign no longer changes, and years of them would cost a count each. The audit call still counts them. One
   * that is over and not closed yet changes as little: it has its turn only for the metric's sake.
   */
  private isDue(campaign: Campaign): boolean {
    if (campaign.state === 'CLOSED') return false;
    const { pass } = this.watch;
    if (pass === null || !this.quiet.isQuiet(pass, campaign)) return true;
    return this.metrics.isLabelled(campaign.id) && this.turns.take(campaign.id);
  }

  /**
   * Never rejects: a campaign that cannot be measured must not stop the round. Its metric keeps its value, and the age of
   * the value grows.
   */
  private async measureOne(id: string): Promise<void> {
    this.metrics.begin(id);
    const { monotonic, wall } = this.clock.now();
    try {
      const audit = await this.audit.audit(id);
      if (audit !== null) {
        // The rows may have been counted earlier.
        const ageMs = Math.max(0, wall - Date.parse(audit.rowsCountedAt));
        this.metrics.set(id, audit.drift, monotonic - ageMs);
        this.drifts.set(id, { drift: audit.drift, measuredAt: monotonic - ageMs });
      }
      this.outage.recovered(`the drift of campaign ${id} can be measured again`, id);
    } catch (error) {
      this.outage.failed(`the drift of campaign ${id} cannot be measured: ${(error as Error).message}`, id);
    }
  }
}
