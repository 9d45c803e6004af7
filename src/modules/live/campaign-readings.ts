import { Injectable } from '@nestjs/common';
import { type Campaign, type CampaignState, stateAt } from '../../domain/campaign.js';
import { Clock } from '../../platform/flow/clock.js';
import { Timers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { Database } from '../../ports/database/database.js';
import { type CampaignGauge, IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';

/** A reading waits for the database this long, ms: the sample of this second leaves without it then. */
const DATABASE_PATIENCE_MS = 700;
/** Campaigns in one call to the gate: more would keep claims waiting while they are encoded. */
const ASKED_AT_ONCE = 100;

/** Gate and database about one campaign, read one right after the other. */
export interface CampaignReading {
  /** ms by the gate's clock, or by our own while the gate is away. */
  readonly at: number;
  /** null while the database does not answer. */
  readonly campaign: Campaign | null;
  readonly state: CampaignState | null;
  /** These are null while the gate cannot be trusted or reached. After the campaign has left it, the database knows them. */
  readonly claimed: number | null;
  readonly remaining: number | null;
  readonly pending: number | null;
  /** ms by the gate's clock; null when nothing is pending. */
  readonly oldestPendingAt: number | null;
  readonly unavailable: readonly ('gate' | 'database')[];
}

/** Reads campaigns for those who watch them: all of them together, once a second. */
@Injectable()
export class CampaignReadings {
  /** A read of the database that was given up on; the next one begins when it has ended. */
  private late: Promise<unknown> | null = null;
  /** The gate's clock minus our own at the last answer, ms. */
  private gateOffset = 0;

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {}

  /** Never rejects. A campaign is missing in the answer when the database says that there is none. */
  async read(campaignIds: readonly string[]): Promise<Map<string, CampaignReading>> {
    // The database first: coupons that it shows were claims before, so `issued` is never above `claimed`.
    const campaigns = await this.readCampaigns(campaignIds);
    const { gauges, at } = await this.askGate(
      campaignIds.filter((id) => campaigns === null || campaigns.get(id)?.leftGateAt === null),
    );
    const readings = new Map<string, CampaignReading>();
    for (const id of campaignIds) {
      const campaign = campaigns?.get(id) ?? null;
      if (campaigns !== null && campaign === null) continue;
      readings.set(id, readingOf(campaign, gauges.get(id) ?? null, at));
    }
    return readings;
  }

  /** null while the database does not answer. */
  private async readCampaigns(ids: readonly string[]): Promise<Map<string, Campaign> | null> {
    if (this.late !== null) return null;
    const reading = this.database.read((unit) => unit.campaigns.findMany(ids));
    try {
      const campaigns = await withDeadline(reading, DATABASE_PATIENCE_MS, this.timers);
      return new Map(campaigns.map((campaign) => [campaign.id, campaign]));
    } catch {
      this.late = reading.catch(() => undefined).then(() => (this.late = null));
      return null;
    }
  }

  private async askGate(ids: readonly string[]): Promise<{ gauges: Map<string, CampaignGauge>; at: number }> {
    const gauges = new Map<string, CampaignGauge>();
    const { pass } = this.watch;
    try {
      if (pass !== null) {
        this.gateOffset = (await this.gate.now()) - this.clock.wall();
        for (let from = 0; from < ids.length; from += ASKED_AT_ONCE) {
          for (const gauge of await this.gate.gauge(pass, ids.slice(from, from + ASKED_AT_ONCE))) {
            if (gauge.kind === 'gauge') gauges.set(gauge.campaignId, gauge);
          }
        }
      }
    } catch {
      // Campaigns without an answer are shown without it. The gate has reported the failure to the watch.
    }
    return { gauges, at: Math.round(this.clock.wall() + this.gateOffset) };
  }
}

function readingOf(campaign: Campaign | null, gauge: CampaignGauge | null, at: number): CampaignReading {
  const state = campaign === null ? null : stateAt(campaign, at);
  const hasLeft = campaign !== null && campaign.leftGateAt !== null;
  const unavailable = [
    ...(campaign === null ? (['database'] as const) : []),
    ...(gauge === null && !hasLeft ? (['gate'] as const) : []),
  ];
  // Each claim of a campaign that has left the gate is a coupon.
  const claimed = hasLeft ? campaign.issued : (gauge?.claimed ?? null);
  const total = campaign?.total ?? gauge?.terms.total;
  return {
    at,
    campaign,
    state,
    claimed,
    remaining: claimed === null || total === undefined ? null : Math.max(0, total - claimed),
    pending: hasLeft ? 0 : (gauge?.pending ?? null),
    oldestPendingAt: gauge?.oldestPendingAt ?? null,
    unavailable,
  };
}
