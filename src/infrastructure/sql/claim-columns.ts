import { type Claim, type ClaimEvent, type Fields } from '../../domain/claim.js';
import { type NewCoupon } from '../../ports/database/coupon-store.js';

/** The column of each field of a claim, in `coupons` and in `failed_events`. */
export const CLAIM_COLUMNS: Fields<Claim, string> = {
  campaignId: 'campaign_id',
  userId: 'user_id',
  claimId: 'claim_id',
  sequence: 'sequence',
  claimedAt: 'claimed_at',
  idempotencyDigest: 'idempotency_digest',
};

export const COUPON_COLUMNS: Fields<NewCoupon, string> = { ...CLAIM_COLUMNS, code: 'code', createdAt: 'created_at' };

export const EVENT_COLUMNS: Fields<ClaimEvent, string> = { ...CLAIM_COLUMNS, epoch: 'epoch' };

/** For a SELECT whose rows have fields: `campaign_id AS campaignId, …`. */
export function selected(columns: Readonly<Record<string, string>>): string {
  return Object.entries(columns)
    .map(([field, column]) => `${column} AS ${field}`)
    .join(', ');
}

/** A row as a driver hands it out: mysql2 writes a BIGINT as text. */
export type Raw<Row> = { readonly [Field in keyof Row]: number extends Row[Field] ? Row[Field] | string : Row[Field] };
