import { type Claim, type ClaimHolder } from '../../domain/claim.js';

/** What the consumer inserts. */
export interface NewCoupon extends Claim {
  /** Unguessable; what the user redeems. */
  code: string;
  /** ms by the database's clock. The caller asks once for many rows, since a server would work it out for every row. */
  createdAt: number;
}

/** One row of `coupons`. */
export interface Coupon extends NewCoupon {
  id: number;
}

/** The part of a coupon that a rebuilt gate needs. */
export interface IssuedClaim extends Claim {
  id: number;
}

/** The place of a coupon in the order in which the gate admitted the claims of its campaign. */
export interface CouponPosition {
  /** ms since the Unix epoch. */
  readonly claimedAt: number;
  readonly sequence: number;
  /** Tells two coupons apart that have both in common: a page may end between them. */
  readonly id: number;
}

/** Which coupons of a campaign are wanted; a field that is left out does not matter. */
export interface CampaignCouponFilter {
  readonly campaignId: string;
  readonly userId?: string;
  /** Claimed at this instant or later; ms since the Unix epoch. */
  readonly from?: number;
  /** Claimed before this instant; ms since the Unix epoch. */
  readonly to?: number;
  /** With this id of a row or a lower one. */
  readonly lastId?: number;
}

/** The table `coupons`, seen from inside one transaction. */
export abstract class CouponStore {
  /**
   * Plain multi-row INSERT: all of them or none, also when the unit of work goes on after a refusal. Never INSERT
   * IGNORE, which hides data errors.
   */
  abstract insert(coupons: readonly NewCoupon[]): Promise<void>;

  abstract find(campaignId: string, userId: string): Promise<Coupon | null>;

  /** The coupon whose claim has this id, or whose code this is. */
  abstract findByClaimOrCode(text: string): Promise<Coupon | null>;

  /** Coupons of these (campaign, user) pairs, where there are any. */
  abstract findByUsers(holders: readonly ClaimHolder[]): Promise<IssuedClaim[]>;

  /** A user's coupons, newest first; `beforeId` continues a list. */
  abstract listByUser(userId: string, limit: number, beforeId?: number): Promise<Coupon[]>;

  /**
   * The coupons of a campaign in the order of their claims, or in the reverse order.
   *
   * @param after continues a list behind this place, in the direction of `order`.
   */
  abstract listByCampaign(
    filter: CampaignCouponFilter,
    order: 'oldest-first' | 'newest-first',
    limit: number,
    after?: CouponPosition,
  ): Promise<Coupon[]>;

  /** Of one campaign, in the order of the claims, for the rebuild. What other campaigns have costs nothing. */
  abstract listIssuedOf(campaignId: string, after: CouponPosition | null, limit: number): Promise<IssuedClaim[]>;

  /** Of several campaigns, all of them: for small ones. */
  abstract listIssuedOfAll(campaignIds: readonly string[]): Promise<IssuedClaim[]>;

  /** Reads every row of the campaign in one statement: ten million take a server longer than a call may. */
  abstract count(campaignId: string): Promise<number>;

  /** The highest id of any coupon, 0 without one. A coupon that is inserted later gets a higher one. */
  abstract lastId(): Promise<number>;

  /**
   * Looks at the next `limit` coupons of a campaign, by user, from behind `afterUserId` on, and counts those with an id up
   * to `lastId`.
   *
   * @returns the last user that was looked at; null: no coupon is left behind it.
   */
  abstract countNext(
    campaignId: string,
    afterUserId: string,
    limit: number,
    lastId: number,
  ): Promise<{ counted: number; lastUserId: string | null }>;
}
