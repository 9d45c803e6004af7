import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { Timers } from '../../platform/flow/timers.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { type Page, pageOf } from '../../platform/values/page.js';
import { type CampaignCouponFilter, type Coupon, type CouponPosition } from '../../ports/database/coupon-store.js';
import { Database } from '../../ports/database/database.js';
import { type CouponFormat, CouponLines, type CouponLinesOptions } from './coupon-lines.js';

/**
 * Rows of one read of an export. The embedded database runs in the event loop, and claims wait during a read: 200 rows
 * take a millisecond or two.
 */
const ROWS_AT_ONCE = 200;

/** Lists and exports the coupons of a campaign. */
@Injectable()
export class CampaignCoupons {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {}

  /**
   * Lists the newest claims first.
   * @param after the `next` of the previous page.
   * @returns null: there is no such campaign.
   * @throws DatabaseError
   */
  async list(
    filter: CampaignCouponFilter,
    limit: number,
    after?: CouponPosition,
  ): Promise<Page<Coupon, CouponPosition> | null> {
    const found = await this.database.read(async (unit) => {
      const coupons = await unit.coupons.listByCampaign(filter, 'newest-first', limit + 1, after);
      // A coupon has a campaign, so only an empty page leaves the question open.
      if (coupons.length === 0 && (await unit.campaigns.find(filter.campaignId)) === null) return null;
      return coupons;
    });
    return found === null ? null : pageOf(found, limit, positionOf);
  }

  /**
   * Exports in the order of the claims. Records the export in the audit log first, because it holds users' ids.
   *
   * The text holds every coupon that was issued before the call, and perhaps some that were issued during it. A piece is
   * read when the previous one was taken and, after that, as much time has passed as it took: an export leaves claims at
   * least half of the event loop, and few pieces wait in memory.
   *
   * @returns pieces of the text, which reject with DatabaseError if the database fails in between; null: there is no such
   * campaign.
   * @throws DatabaseError
   */
  async export(
    filter: CampaignCouponFilter,
    format: CouponFormat,
    options: CouponLinesOptions,
    by: CallOrigin,
  ): Promise<AsyncIterable<string> | null> {
    const { campaignId, ...wanted } = filter;
    const exists = await this.database.transaction(async (unit) => {
      if ((await unit.campaigns.find(campaignId)) === null) return false;
      const detail = { format, withCodes: options.withCodes, ...wanted };
      await unit.audit.record({ action: 'coupons.export', subject: campaignId, campaignId, by, detail });
      return true;
    });
    return exists ? this.pieces(filter, new CouponLines(format, options)) : null;
  }

  private async *pieces(filter: CampaignCouponFilter, lines: CouponLines): AsyncGenerator<string> {
    const header = lines.header();
    if (header !== '') yield header;
    let last: Coupon | undefined;
    do {
      const beganAt = this.clock.monotonic();
      const after = last === undefined ? undefined : positionOf(last);
      const rows: Coupon[] = await this.database.read((unit) =>
        unit.coupons.listByCampaign(filter, 'oldest-first', ROWS_AT_ONCE, after),
      );
      last = rows.length < ROWS_AT_ONCE ? undefined : rows.at(-1);
      const piece = lines.of(rows);
      const tookMs = this.clock.monotonic() - beganAt;
      if (rows.length > 0) yield piece;
      if (last !== undefined) await this.timers.sleep(tookMs);
    } while (last !== undefined);
  }
}

function positionOf({ claimedAt, sequence, id }: Coupon): CouponPosition {
  return { claimedAt, sequence, id };
}
