import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { type Campaign } from '../../domain/campaign.js';
import { CampaignLabels } from '../../platform/metrics/campaign-labels.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { type CampaignGauge } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';

/**
 * What operators see of the gate. Collecting the metrics asks no server: it shows the last known values, also while the
 * database is away. Labels are ids that were read from the database, never from a request.
 */
@Injectable()
export class RecoveryMetrics {
  private readonly pending: Gauge<'campaign'>;
  private readonly oldestPending: Gauge<'campaign'>;
  private readonly total: Gauge<'campaign'>;
  private readonly claimed: Gauge<'campaign'>;
  private readonly issued: Gauge<'campaign'>;
  private readonly info: Gauge<'campaign' | 'name'>;
  private readonly unlabelled: Gauge;
  /** The name that the info metric of a campaign has now. */
  private readonly names = new Map<string, string>();

  constructor(
    registry: MetricsRegistry,
    watch: EpochWatch,
    private readonly labels: CampaignLabels = new CampaignLabels(),
  ) {
    const registers = [registry];
    new Gauge({
      name: 'coupon_gate_fenced',
      help: '1 while no claim is admitted because the gate cannot be trusted or is being rebuilt',
      registers,
      collect() {
        this.set(watch.state.state === 'open' ? 0 : 1);
      },
    });
    new Gauge({
      name: 'coupon_gate_epoch',
      help: 'The highest epoch of the gate that this process has seen',
      registers,
      collect() {
        this.set(watch.state.epoch ?? 0);
      },
    });
    const ofCampaign = (name: string, help: string) => new Gauge({ name, help, labelNames: ['campaign'], registers });
    this.pending = ofCampaign('coupon_pending', 'Admitted claims that were not seen in the database yet');
    this.oldestPending = ofCampaign('coupon_pending_oldest_seconds', 'Age of the oldest pending claim, in seconds');
    this.total = ofCampaign('coupon_campaign_coupons', 'Coupons of the campaign in all: its total');
    this.claimed = ofCampaign(
      'coupon_campaign_claimed',
      'Claims that hold a slot at the gate; the total less these is left',
    );
    this.issued = ofCampaign('coupon_campaign_issued', 'Coupons that are issued: rows of the database');
    this.info = new Gauge({
      name: 'coupon_campaign_info',
      help: '1, with the name of the campaign, to be joined to other metrics by campaign',
      labelNames: ['campaign', 'name'],
      registers,
    });
    this.unlabelled = new Gauge({
      name: 'coupon_campaigns_unlabelled',
      help: 'Campaigns that are not closed and have no series of their own, because too many are open',
      registers,
    });
    labels.onRemoved((campaign) => this.forget(campaign));
  }

  /** @param now the gate's clock, ms. */
  setPending({ campaignId, pending, oldestPendingAt }: CampaignGauge, now: number): void {
    if (!this.isLabel(campaignId)) return;
    this.pending.set({ campaign: campaignId }, pending);
    const ageMs = oldestPendingAt === null ? 0 : Math.max(0, now - oldestPendingAt);
    this.oldestPending.set({ campaign: campaignId }, ageMs / 1_000);
  }

  /** @returns whether the campaign has series of its own. */
  setStock({ id, name, total, issued }: Campaign, { claimed }: CampaignGauge): boolean {
    if (!this.isLabel(id)) return false;
    const campaign = { campaign: id };
    this.total.set(campaign, total);
    this.claimed.set(campaign, claimed);
    this.issued.set(campaign, issued);
    const known = this.names.get(id);
    if (known !== name) {
      if (known !== undefined) this.info.remove(id, known);
      this.names.set(id, name);
      this.info.set({ ...campaign, name }, 1);
    }
    return true;
  }

  setUnlabelled(campaigns: number): void {
    this.unlabelled.set(campaigns);
  }

  /** The campaign is over: its series are removed, also those of other metrics. */
  retire(campaignId: string): void {
    this.labels.retire(campaignId);
  }

  /** Whether the campaign has series of its own. */
  isLabel(campaignId: string): boolean {
    return this.labels.labelFor(campaignId) === campaignId;
  }

  private forget(campaign: string): void {
    for (const gauge of [this.pending, this.oldestPending, this.total, this.claimed, this.issued]) {
      gauge.remove(campaign);
    }
    const name = this.names.get(campaign);
    if (name !== undefined) this.info.remove(campaign, name);
    this.names.delete(campaign);
  }
}
