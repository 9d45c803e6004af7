import { Inject, Injectable, Logger } from '@nestjs/common';
import { EpochWatch } from '../gate/epoch-watch.js';
import {
  type CampaignGauge,
  type GatePass,
  GateTimeoutError,
  GateUnavailableError,
  IssuanceGate,
} from '../gate/issuance-gate.js';
import { differs, TermsAtGate } from '../gate/terms-at-gate.js';
import { logOpened } from '../logging/campaign-log.js';
import { type Campaign } from '../persistence/campaign-store.js';
import { Database } from '../persistence/database.js';
import { campaignPages, isRealFence } from './gate-health.js';
import { RecoveryMetrics } from './recovery-metrics.js';

/**
 * Copies the database's terms to the gate where a change got lost on its way: the caller of a PATCH may die between the
 * two. It never creates a missing meta: an absent one means that the gate's memory is damaged, and making one would
 * open a campaign that has forgotten its claims.
 */
@Injectable()
export class GateReconciler {
  private readonly logger = new Logger(GateReconciler.name);

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(IssuanceGate) private readonly gate: IssuanceGate,
    @Inject(EpochWatch) private readonly watch: EpochWatch,
    @Inject(RecoveryMetrics) private readonly metrics: RecoveryMetrics,
    @Inject(TermsAtGate) private readonly terms: TermsAtGate,
  ) {}

  /** One round over all campaigns; ends early at a fence. Rejects when database or gate are away. */
  async reconcile(): Promise<void> {
    const { pass } = this.watch;
    if (pass === null) return;
    try {
      await this.compareAll(pass);
    } catch (error) {
      // The watch may rely on an epoch without the database only while every gate call succeeds, ours included.
      if (error instanceof GateUnavailableError || error instanceof GateTimeoutError) this.watch.reportGateTrouble();
      throw error;
    }
  }

  private async compareAll(pass: GatePass): Promise<void> {
    const now = await this.gate.now();
    let unlabelled = 0;
    for await (const { campaigns, readAt } of campaignPages(this.database)) {
      const gauges = await this.gate.gauge(
        pass,
        campaigns.map(({ id }) => id),
      );
      for (const [index, campaign] of campaigns.entries()) {
        const gauge = gauges[index];
        if (gauge === undefined) continue;
        if ('kind' in gauge) {
          if (!isRealFence(gauge, campaign, readAt)) continue;
          this.watch.reportFence(pass.epoch, gauge.reason);
          return;
        }
        // One that is closed may still have claims on their way, and they are watched until they have arrived.
        if (campaign.state === 'CLOSED' && gauge.pending === 0) this.metrics.retire(campaign.id);
        else if (this.metrics.setStock(campaign, gauge)) this.metrics.setPending(gauge, now);
        else unlabelled += 1;
        if (isOpening(campaign, gauge, now)) await this.markOpened(campaign);
        await this.compare(pass, campaign, gauge);
      }
    }
    this.metrics.setUnlabelled(unlabelled);
  }

  /** Of all processes that see it, the one that marks it in the database writes the line. */
  private async markOpened(campaign: Campaign): Promise<void> {
    const marked = await this.database.transaction((unit) => unit.campaigns.markOpened(campaign.id));
    if (marked) logOpened(campaign);
  }

  private async compare(pass: GatePass, campaign: Campaign, gauge: CampaignGauge): Promise<void> {
    if (!differs(gauge, campaign)) return;
    const outcome = await this.terms.bring(campaign, pass);
    if (outcome.kind === 'AGREED' && outcome.told) {
      this.logger.warn(`campaign ${campaign.id}: the gate had lost version ${outcome.campaign.version} and has it now`);
    } else if (outcome.kind === 'BELOW_CLAIMED') {
      // Only a total that was changed past the service gets here; the gate cannot take claims back.
      this.logger.error(`campaign ${campaign.id}: more was claimed than its total of ${campaign.total}`);
    }
  }
}

/** Does the gate admit its claims since the last look of anybody? By the gate's clock. */
function isOpening({ openedAt, state, startsAt, endsAt, version }: Campaign, { terms }: CampaignGauge, now: number) {
  if (openedAt !== null || state !== 'OPEN' || terms.version !== version) return false;
  return startsAt <= now && (endsAt === null || now < endsAt);
}
