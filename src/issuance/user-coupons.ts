import { Injectable } from '@nestjs/common';
import { type Coupon } from '../persistence/coupon-store.js';
import { Database } from '../persistence/database.js';

/** The coupons that a user holds. */
@Injectable()
export class UserCoupons {
  constructor(private readonly database: Database) {}

  /**
   * Newest first.
   * @param beforeId the `next` of the page before.
   * @throws DatabaseError
   */
  async list(userId: string, limit: number, beforeId?: number): Promise<{ coupons: Coupon[]; next: number | null }> {
    const coupons = await this.database.read((unit) => unit.coupons.listByUser(userId, limit + 1, beforeId));
    const page = coupons.slice(0, limit);
    return { coupons: page, next: coupons.length > limit ? (page.at(-1)?.id ?? null) : null };
  }
}
