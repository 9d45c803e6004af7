import { Injectable, Logger } from '@nestjs/common';
import { type Campaign } from '../../domain/campaign.js';
import { Clock } from '../../platform/flow/clock.js';
import { Database } from '../../ports/database/database.js';
import { type CampaignGauge, type Fenced, type GatePass, IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';

/** A difference closes the gate only when it is found as often in a row. */
const LOOKS = 2;
/** How long a difference that failed events explain is not looked at again, ms: to count them takes long. */
const EXPLAINED_MS = 20_000;

/**
 * Notices that the database has gone back under a running service: it was restored from a back-up, or rows were deleted
 * by hand. Without this, the gate would go on refusing users whose coupons are gone, and would admit claims for
 * campaigns that no longer exist.
 *
 * A claim at the gate stops being pending only when the database has it: the consumer, the sweeper and the rebuild see
 * to that. So for each campaign, read in this order, the gate's settled claims are never more than the coupons and the
 * failed events that hold a slot. When they are more, the gate is closed, and the rebuild begins with what the database
 * has now.
 *
 * Where no other process can write to the database, nothing is asked.
 */
@Injectable()
export class UnexplainedClaims {
  private readonly logger = new Logger(UnexplainedClaims.name);
  /** Campaigns that the database had in earlier rounds of this process. */
  private known: ReadonlySet<string> = new Set();
  /** Campaign → until when its difference counts as explained, monotonic, ms. */
  private readonly explained = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    private readonly clock: Clock,
  ) {}

  /**
   * Looks at one page of a round. The campaigns may be older than the gauges: what seems to be missing is read again.
   * @returns true after it has reported a fence.
   */
  async findIn(
    pass: GatePass,
    campaigns: readonly Campaign[],
    gauges: readonly (CampaignGauge | Fenced)[],
  ): Promise<boolean> {
    if (!this.database.isShared) return false;
    for (const [index, { id, issued }] of campaigns.entries()) {
      const gauge = gauges[index];
      // mutant: unnoticed-restore
      if (gauge?.kind !== 'gauge' || settledIn(gauge) <= issued) continue;
      if (await this.hasLost(pass, id)) return this.close(pass, `campaign ${id} has fewer coupons than the gate saw`);
    }
    return false;
  }

  /**
   * Ends a round that has listed every campaign that the gate may have.
   * @returns true after it has reported a fence: a campaign of an earlier round is at the gate and not in the database.
   */
  async findMissing(pass: GatePass, listed: ReadonlySet<string>): Promise<boolean> {
    if (!this.database.isShared) return false;
    const gone = [...this.known].filter((id) => !listed.has(id));
    this.known = listed;
    for (const id of gone) {
      this.explained.delete(id);
      if (await this.isOnlyAtGate(pass, id)) return this.close(pass, `campaign ${id} is not in the database any more`);
    }
    return false;
  }

  private async hasLost(pass: GatePass, id: string): Promise<boolean> {
    if ((this.explained.get(id) ?? -Infinity) > this.clock.monotonic()) return false;
    for (let look = 0; look < LOOKS; look++) {
      const [gauge] = await this.gate.gauge(pass, [id]);
      if (gauge?.kind !== 'gauge') return false;
      const settled = settledIn(gauge);
      // After the gauge: what was settled there is in the database by now.
      const campaign = await this.database.read((unit) => unit.campaigns.find(id));
      // `findMissing` judges a campaign without a row.
      if (campaign === null || settled <= campaign.issued) return false;
      // A claim may hold its slot by a failed event. One instant, so that a claim that becomes a coupon in between is in
      // one of the two.
      const explained = await this.database.snapshot(async (unit) => {
        const holders = await unit.failedEvents.countSlotHolders(id);
        const issued = (await unit.campaigns.find(id))?.issued ?? 0;
        // The counter may be wrong. The rows are counted last: in a large campaign that takes seconds.
        return settled <= issued + holders || settled <= (await unit.coupons.count(id)) + holders;
      });
      if (explained) {
        this.explained.set(id, this.clock.monotonic() + EXPLAINED_MS);
        return false;
      }
    }
    return true;
  }

  private async isOnlyAtGate(pass: GatePass, id: string): Promise<boolean> {
    for (let look = 0; look < LOOKS; look++) {
      const [gauge] = await this.gate.gauge(pass, [id]);
      if (gauge?.kind !== 'gauge') return false;
      if ((await this.database.read((unit) => unit.campaigns.find(id))) !== null) return false;
    }
    return true;
  }

  private close({ epoch }: GatePass, what: string): true {
    this.logger.error(`${what}: the database was restored, or rows were deleted`);
    this.watch.reportFence(epoch, 'unexplained');
    return true;
  }
}

/** Claims whose coupon, or whose failed event, was seen in the database. */
function settledIn({ claimed, pending }: CampaignGauge): number {
  return claimed - pending;
}
