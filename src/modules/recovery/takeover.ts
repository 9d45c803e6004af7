import { Logger } from '@nestjs/common';
import { type Claim } from '../../domain/claim.js';
import { type Database } from '../../ports/database/database.js';
import { type Failure } from '../../ports/database/failed-event-store.js';
import { type GateBuilder } from '../../ports/gate/gate-builder.js';
import { type BuilderLease } from './builder-lease.js';
import { type StagedClaims } from './staged-claims.js';

/** Claims of one transaction. It holds the gate row, which every consumer waits for. */
const RECORDED_AT_ONCE = 500;

/**
 * Takes over what the old gate still knows and no process has made durable: claims of an api that died between gate and
 * log. Callers may have heard "sold out" because of them, so they must not be forgotten where they need not be.
 *
 * ADR 36 says why the memory of the epoch that was open last may be trusted for that, also when it is older than what
 * the gate has answered: it was true once. What has changed since is durable, and what is durable counts more.
 */
export class Takeover {
  private readonly logger = new Logger(Takeover.name);

  constructor(
    private readonly database: Database,
    private readonly builder: GateBuilder,
  ) {}

  /**
   * Adds the claims of one sealed campaign to the new gate, each after its failed event is committed. Call it when
   * everything durable is staged. Can be repeated by another builder, which finds the failed events.
   *
   * @throws LeaseLostError
   */
  async takeOver(lease: BuilderLease, lastOpen: number, campaignId: string, found: StagedClaims): Promise<void> {
    if (!found.knows(campaignId)) return;
    const left = await this.builder.leftBehind(lastOpen, lease.epoch, campaignId);
    if (left === null) {
      this.logger.warn(`epoch ${lastOpen} has lost a part of campaign ${campaignId}: nothing of it is taken over`);
      return;
    }
    const { claims, staged } = left;
    // Also those for whom there is no room: their users may have been told a sequence and an instant.
    for (const claim of claims) found.note(claim);
    const inOrder = [...claims].sort((a, b) => a.sequence - b.sequence);
    let taken = 0;
    for (let first = 0; first < inOrder.length; first += RECORDED_AT_ONCE) {
      lease.check();
      const some = inOrder.slice(first, first + RECORDED_AT_ONCE);
      const recorded = await this.record(lease, lastOpen, campaignId, some, staged + taken);
      await this.builder.stage(
        lease.epoch,
        campaignId,
        recorded.map((claim) => ({ ...claim, pending: true })),
      );
      taken += recorded.length;
    }
    if (claims.length > 0) {
      this.logger.warn(
        `${taken} of ${claims.length} claims of campaign ${campaignId} that only epoch ${lastOpen} knew are taken over`,
      );
    }
  }

  /**
   * Makes failed events of those claims that may still become coupons. The exclusive lock of the gate row keeps
   * consumers, sweepers, operators and other builders from writing about them between the look and the insert.
   *
   * @param staged how many claims of the campaign the new gate holds.
   */
  private record(
    lease: BuilderLease,
    lastOpen: number,
    campaignId: string,
    claims: readonly Claim[],
    staged: number,
  ): Promise<readonly Claim[]> {
    return this.database.transaction(async (unit) => {
      lease.assertMine(await unit.gate.lockExclusive());
      const campaign = await unit.campaigns.find(campaignId);
      const holders = new Set((await unit.coupons.findByUsers(claims)).map(({ userId }) => userId));
      const rows = await unit.failedEvents.statusesOf(claims.map(({ claimId }) => claimId));
      // mutant: revived-discard
      const open = claims.filter(({ userId, claimId }) => !holders.has(userId) && !rows.has(claimId));
      // mutant: takeover-without-room
      const taken = open.slice(0, Math.max(0, (campaign?.total ?? 0) - staged));
      const failure = takenOverFrom(lastOpen);
      await unit.failedEvents.addUnpublished(
        // Under the new epoch: an event of the old one that arrives later is stale.
        taken.map((claim) => ({ claim: { ...claim, epoch: lease.epoch }, source: 'SWEEPER' as const, failure })),
      );
      return taken;
    });
  }
}

function takenOverFrom(epoch: number): Failure {
  return {
    errorClass: 'lost',
    errorCode: 'taken-over',
    errorMessage: `admitted by epoch ${epoch} of the gate, and not durable when the gate was built again`,
  };
}
