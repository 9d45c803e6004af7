import { Injectable } from '@nestjs/common';
import { type ClaimEvent, holderKey } from '../../domain/claim.js';
import { Database } from '../../ports/database/database.js';
import { type FailedEvent } from '../../ports/database/failed-event-store.js';
import { type GatePass, IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from './epoch-watch.js';

/** Releases the slots of discarded claims. */
@Injectable()
export class DiscardedSlots {
  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
  ) {}

  /**
   * Frees the slots of these DISCARDED rows and marks the rows; returns how many slots were freed. Can be repeated: the
   * gate compares the claimId, so a slot that the user has taken again with another claim stays taken.
   *
   * A row stays unreleased for the sweeper when its campaign is fenced or the epoch ends before the row is marked.
   * @throws DatabaseError, GateUnavailableError, GateTimeoutError
   */
  async release(pass: GatePass, rows: readonly FailedEvent[]): Promise<number> {
    const discarded = rows.flatMap(({ id, claim }) => (claim === null ? [] : [{ id, claim }]));
    const { campaigns, holders } = await this.lookUp(discarded.map(({ claim }) => claim));
    const done: number[] = [];
    const fenced = new Set<string>();
    let freed = 0;
    for (const { id, claim } of discarded) {
      if (fenced.has(claim.campaignId)) continue;
      // A campaign that was never stored or has left the gate has no slot, and the gate would answer with a fence.
      if (campaigns.has(claim.campaignId)) {
        const outcome = holders.has(holderKey(claim)) ? await this.keep(pass, claim) : await this.free(pass, claim);
        if (outcome === 'fenced') {
          fenced.add(claim.campaignId);
          continue;
        }
        if (outcome === 'released') freed += 1;
      }
      done.push(id);
    }
    await this.markReleased(pass, done);
    return freed;
  }

  private lookUp(claims: readonly ClaimEvent[]) {
    return this.database.read(async (unit) => {
      const campaigns = await unit.campaigns.findMany([...new Set(claims.map(({ campaignId }) => campaignId))]);
      const coupons = await unit.coupons.findByUsers(claims);
      return {
        campaigns: new Set(campaigns.filter(({ leftGateAt }) => leftGateAt === null).map(({ id }) => id)),
        holders: new Set(coupons.map(holderKey)),
      };
    });
  }

  /** The user has a coupon by another claim, and the slot belongs to that coupon. */
  private async keep(pass: GatePass, claim: ClaimEvent): Promise<'kept'> {
    await this.gate.clearPending(pass, [claim]);
    return 'kept';
  }

  private async free(pass: GatePass, claim: ClaimEvent): Promise<'released' | 'gone' | 'fenced'> {
    // mutant: kept-slot
    const outcome = await this.gate.release(pass, claim);
    if (outcome.kind !== 'fenced') return outcome.kind;
    this.watch.reportCampaignFence(pass, outcome);
    return 'fenced';
  }

  /**
   * Marks the rows only while the epoch in which the slot was freed is still the current one. A rebuild that began
   * before the row was DISCARDED has copied the claim into the next gate. If the row were marked then, that slot would
   * leak.
   */
  private async markReleased(pass: GatePass, ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    await this.database.transaction(async (unit) => {
      const { epoch, fence } = await unit.gate.lockShared();
      if (epoch !== pass.epoch || fence === null) return;
      for (const id of ids) await unit.failedEvents.markReleased(id);
    });
  }
}
