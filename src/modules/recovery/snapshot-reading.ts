import { readAhead } from '../../platform/flow/read-ahead.js';
import { forEachCampaign } from '../../ports/database/campaign-pages.js';
import { type IssuedClaim } from '../../ports/database/coupon-store.js';
import { type UnitOfWork } from '../../ports/database/database.js';
import { type OpenClaim } from '../../ports/database/failed-event-store.js';
import { type GateBuilder } from '../../ports/gate/gate-builder.js';
import { type BuilderLease } from './builder-lease.js';
import { stageCoupons } from './stage-coupons.js';
import { type StagedClaims } from './staged-claims.js';

/** Rows of one page. */
const PAGE = 2_000;
/** Small campaigns whose coupons are read together. */
const CAMPAIGNS_AT_ONCE = 500;

/**
 * Step 4 of a rebuild, second half: reads one instant of the database, in pages. The builder stages the coupons of one
 * page while the next page is read. Campaigns that have left the gate, and their coupons, are not read.
 */
export async function stageSnapshot(
  builder: GateBuilder,
  lease: BuilderLease,
  unit: UnitOfWork,
  found: StagedClaims,
): Promise<void> {
  const reading = new CampaignGroups();
  await forEachCampaign(unit, (campaign) => {
    found.addCampaign(campaign);
    reading.add(campaign);
  });
  for await (const coupons of couponsOf(unit, reading)) {
    lease.check();
    await stageCoupons(builder, lease.epoch, coupons, found);
  }
  for (const [campaignId, sequence] of await unit.failedEvents.highestSequences(found.campaignIds)) {
    found.note({ campaignId, sequence, claimedAt: 0 });
  }
  for await (const rows of readAhead<OpenClaim>(
    (after) => unit.failedEvents.openClaimsAfter(after?.id ?? 0, PAGE),
    PAGE,
  )) {
    lease.check();
    // mutant: failed-events-ignored
    for (const { claim } of rows) found.add(claim);
  }
}

async function* couponsOf(unit: UnitOfWork, { large, small }: CampaignGroups): AsyncGenerator<readonly IssuedClaim[]> {
  for (const id of large) yield* readAhead<IssuedClaim>((after) => unit.coupons.listIssuedOf(id, after, PAGE), PAGE);
  for (const group of small) yield unit.coupons.listIssuedOfAll(group);
}

/** Which campaigns are read by themselves, and which together: thousands of small ones must not cost a query each. */
class CampaignGroups {
  readonly large: string[] = [];
  readonly small: string[][] = [];
  /** Coupons of the last group. */
  private rows = 0;

  add({ id, issued }: { readonly id: string; readonly issued: number }): void {
    if (issued > PAGE / 2) {
      this.large.push(id);
      return;
    }
    let group = this.small.at(-1);
    if (group === undefined || this.rows + issued > PAGE || group.length === CAMPAIGNS_AT_ONCE) {
      this.small.push((group = []));
      this.rows = 0;
    }
    group.push(id);
    this.rows += issued;
  }
}
