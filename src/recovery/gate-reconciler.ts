import { Inject, Injectable, Logger } from '@nestjs/common';
import { EpochWatch } from '../gate/epoch-watch.js';
import {
  type CampaignGauge,
  type CampaignTerms,
  type GatePass,
  GateTimeoutError,
  GateUnavailableError,
  IssuanceGate,
} from '../gate/issuance-gate.js';
import { logOpened } from '../logging/campaign-log.js';
import { type Campaign } from '../persistence/campaign-store.js';
import { Database } from '../persistence/database.js';
import { campaignPages, isRealFence } from './gate-health.js';
import { RecoveryMetrics } from './recovery-metrics.js';
import { termsOf } from '../gate/campaign-terms.js';

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
        this.metrics.setPending(gauge, now);
        if (isOpening(campaign, gauge, now)) await this.markOpened(campaign);
        await this.compare(pass, campaign, gauge);
      }
    }
  }

  private async compare(pass: GatePass, campaign: Campaign, gauge: CampaignGauge): Promise<void> {
    if (gauge.terms.version < campaign.version) await this.write(pass, termsOf(campaign));
    else if (isAhead(gauge, campaign)) await this.overtake(pass, campaign.id);
  }

  /** Of all processes that see it, the one that marks it in the database writes the line. */
  private async markOpened(campaign: Campaign): Promise<void> {
    const marked = await this.database.transaction((unit) => unit.campaigns.markOpened(campaign.id));
    if (marked) logOpened(campaign);
  }

  /**
   * The gate was lowered first and the database did not follow. The row's lock waits for a lowering that is still under
   * way; if the gate is ahead even then, that change is lost, and the row gets a version that the gate has to accept.
   */
  private async overtake(pass: GatePass, campaignId: string): Promise<void> {
    const overtaken = await this.database.transaction(async (unit) => {
      const row = await unit.gate.lockShared();
      if (row.epoch !== pass.epoch || row.fence !== pass.fence) return null;
      const [campaign] = await unit.campaigns.lock([campaignId]);
      const [gauge] = await this.gate.gauge(pass, [campaignId]);
      if (campaign === undefined || gauge === undefined || 'kind' in gauge || !isAhead(gauge, campaign)) return null;
      const version = gauge.terms.version + 1;
      await unit.campaigns.update(campaignId, {}, version);
      return termsOf({ ...campaign, version });
    });
    // After the commit: the gate's total may only rise to what the database really has.
    if (overtaken !== null) await this.write(pass, overtaken);
  }

  private async write(pass: GatePass, terms: CampaignTerms): Promise<void> {
    const outcome = await this.gate.changeTerms(pass, terms);
    if (outcome === 'changed') {
      this.logger.warn(`campaign ${terms.campaignId}: the gate had lost version ${terms.version} and has it now`);
    } else if (outcome === 'below-claimed') {
      // Only a total that was changed past the service gets here; the gate cannot take claims back.
      this.logger.error(`campaign ${terms.campaignId}: more was claimed than its total of ${terms.total}`);
    } else if (outcome !== 'older') {
      this.watch.reportFence(pass.epoch, outcome.reason);
    }
  }
}

/** Does the gate admit its claims since the last look of anybody? By the gate's clock. */
function isOpening({ openedAt, state, startsAt, endsAt, version }: Campaign, { terms }: CampaignGauge, now: number) {
  if (openedAt !== null || state !== 'OPEN' || terms.version !== version) return false;
  return startsAt <= now && (endsAt === null || now < endsAt);
}

/** A higher version, or the same one with other terms, which the gate would ignore for ever. */
function isAhead({ terms }: CampaignGauge, campaign: Campaign): boolean {
  if (terms.version !== campaign.version) return terms.version > campaign.version;
  return (
    terms.total !== campaign.total ||
    terms.startsAt !== campaign.startsAt ||
    terms.endsAt !== campaign.endsAt ||
    terms.state !== campaign.state
  );
}
