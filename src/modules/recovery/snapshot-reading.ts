import { readAhead } from '../../platform/flow/read-ahead.js';
import { forEachCampaign } from '../../ports/database/campaign-pages.js';
import { type UnitOfWork } from '../../ports/database/database.js';
import { type GateBuilder } from '../../ports/gate/gate-builder.js';
import { type BuilderLease } from './builder-lease.js';
import { stageCoupons } from './stage-coupons.js';
import { type StagedClaims } from './staged-claims.js';

/** Rows of one page. */
const PAGE = 2_000;

/**
 * Step 4 of a rebuild, second half: reads one instant of the database, in pages. The builder stages the coupons of one
 * page while the next page is read.
 */
export async function stageSnapshot(
  builder: GateBuilder,
  lease: BuilderLease,
  unit: UnitOfWork,
  found: StagedClaims,
): Promise<void> {
  await forEachCampaign(unit, (campaign) => found.addCampaign(campaign));
  for await (const coupons of readAhead((afterId) => unit.coupons.listIssuedAfter(afterId, PAGE), PAGE)) {
    lease.check();
    await stageCoupons(builder, lease.epoch, coupons, found);
  }
  for (const [campaignId, sequence] of await unit.failedEvents.highestSequences(found.campaignIds)) {
    found.note({ campaignId, sequence, claimedAt: 0 });
  }
  for await (const rows of readAhead((afterId) => unit.failedEvents.openClaimsAfter(afterId, PAGE), PAGE)) {
    lease.check();
    // mutant: failed-events-ignored
    for (const { claim } of rows) found.add(claim);
  }
}
