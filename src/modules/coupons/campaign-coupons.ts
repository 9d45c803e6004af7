import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { Seldom } from '../../platform/flow/seldom.js';
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

/** How often the same list of codes, asked for by one caller, leaves a line in the audit log, ms. */
const SAME_LIST_MS = 600_000;

/** Lists and exports the coupons of a campaign. */
@Injectable()
export class CampaignCoupons {
  private readonly listed: Seldom;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {
    this.listed = new Seldom(clock, SAME_LIST_MS);
  }

  /**
   * Lists the newest claims first. A caller who sees their codes leaves a line in the audit log. Any page may leave it:
   * a caller can begin a list where it likes.
   *
   * @param after the `next` of the previous page.
   * @param shownTo who sees the codes; null when nobody does.
   * @returns null: there is no such campaign.
   * @throws DatabaseError
   */
  async list(
    filter: CampaignCouponFilter,
    limit: number,
    after: CouponPosition | undefined,
    shownTo: CallOrigin | null,
  ): Promise<Page<Coupon, CouponPosition> | null> {
    const found = await this.database.read(async (unit) => {
      const coupons = await unit.coupons.listByCampaign(filter, 'newest-first', limit + 1, after);
      // A coupon has a campaign, so only an empty page leaves the question open.
      if (coupons.length === 0 && (await unit.campaigns.find(filter.campaignId)) === null) return null;
      return coupons;
    });
    if (found === null) return null;
    // mutant: codes-read-in-silence
    if (found.length > 0 && shownTo !== null) await this.recordList(filter, shownTo);
    return pageOf(found, limit, positionOf);
  }

  /** @returns null: there is no such campaign. */
  async nameOf(campaignId: string): Promise<string | null> {
    return this.database.read(async (unit) => (await unit.campaigns.find(campaignId))?.name ?? null);
  }

  /**
   * Exports in the order of the claims. Records the export in the audit log first, because it holds users' ids.
   *
   * The text holds the coupons that were issued before the call, and no other one: a caller who reads slowly gets no
   * code that was made later. A piece is read when the previous one was taken and, after that, as much time has passed
   * as it took: an export leaves claims at least half of the event loop, and few pieces wait in memory.
   *
   * @param stillMay rejects once the caller may not have the export any more. Asked before each piece.
   * @returns pieces of the text, which reject with DatabaseError if the database fails in between, and as `stillMay` does; null:
   * there is no such campaign.
   * @throws DatabaseError
   */
  async export(
    filter: CampaignCouponFilter,
    format: CouponFormat,
    options: CouponLinesOptions,
    by: CallOrigin,
    stillMay: () => Promise<unknown>,
  ): Promise<AsyncIterable<string> | null> {
    const { campaignId, ...wanted } = filter;
    const lastId = await this.database.transaction(async (unit) => {
      if ((await unit.campaigns.find(campaignId)) === null) return null;
      const detail = { format, withCodes: options.withCodes, ...wanted };
      await unit.audit.record({ action: 'coupons.export', subject: campaignId, campaignId, by, detail });
      return unit.coupons.lastId();
    });
    if (lastId === null) return null;
    // mutant: codes-made-later
    return this.pieces({ ...filter, lastId }, new CouponLines(format, options), stillMay);
  }

  private async recordList({ campaignId, ...wanted }: CampaignCouponFilter, by: CallOrigin): Promise<void> {
    const action = { action: 'coupons.list', subject: campaignId, campaignId, by, detail: wanted };
    const key = JSON.stringify([by.actor.id, by.address, campaignId, wanted]);
    await this.listed.run(key, () => this.database.transaction((unit) => unit.audit.record(action)));
  }

  private async *pieces(
    filter: CampaignCouponFilter,
    lines: CouponLines,
    stillMay: () => Promise<unknown>,
  ): AsyncGenerator<string> {
    const header = lines.header();
    if (header !== '') yield header;
    let last: Coupon | undefined;
    do {
      // mutant: export-of-a-revoked-key
      await stillMay();
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
