import { Injectable } from '@nestjs/common';
import { type Page, pageOf } from '../../platform/values/page.js';
import { type Coupon } from '../../ports/database/coupon-store.js';
import { Database } from '../../ports/database/database.js';

/** Lists the coupons of a user. */
@Injectable()
export class UserCoupons {
  constructor(private readonly database: Database) {}

  /**
   * Lists the newest first.
   * @param beforeId the `next` of the previous page.
   * @throws DatabaseError
   */
  async list(userId: string, limit: number, beforeId?: number): Promise<Page<Coupon, number>> {
    const found = await this.database.read((unit) => unit.coupons.listByUser(userId, limit + 1, beforeId));
    return pageOf(found, limit, ({ id }) => id);
  }
}
