import { LessThan } from 'typeorm';
import { type Coupon, CouponStore, type IssuedClaim, type NewCoupon } from '../../../persistence/coupon-store.js';
import { CouponEntity } from '../entities/coupon.entity.js';
import { placeholders } from '../sql-dialect.js';
import { type SqlSession } from '../sql-session.js';

interface RawIssuedClaim {
  id: string | number;
  campaign_id: string;
  user_id: string;
  claim_id: string;
  sequence: string | number;
  claimed_at: string | number;
  idempotency_digest: string | null;
}

/** The statements of the consumer and of the rebuild are written out: they run once for each claim of a drop. */
export class SqlCouponStore extends CouponStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async insert(coupons: readonly NewCoupon[]): Promise<void> {
    if (coupons.length === 0) return;
    const createdAt = await this.sql.now();
    const parameters: unknown[] = [];
    for (const coupon of coupons) {
      parameters.push(
        coupon.campaignId,
        coupon.userId,
        coupon.claimId,
        coupon.code,
        coupon.sequence,
        coupon.claimedAt,
        coupon.idempotencyDigest,
        createdAt,
      );
    }
    await this.sql.execute(
      'INSERT INTO coupons ' +
        '(campaign_id, user_id, claim_id, code, sequence, claimed_at, idempotency_digest, created_at) ' +
        `VALUES ${placeholders(coupons.length, 8)}`,
      parameters,
    );
  }

  find(campaignId: string, userId: string): Promise<Coupon | null> {
    return this.sql.repository(CouponEntity).findOneBy({ campaignId, userId });
  }

  async findByUsers(pairs: readonly { campaignId: string; userId: string }[]): Promise<IssuedClaim[]> {
    if (pairs.length === 0) return [];
    const rows = await this.sql.select<RawIssuedClaim>(
      'SELECT id, campaign_id, user_id, claim_id, sequence, claimed_at, idempotency_digest FROM coupons ' +
        `WHERE (campaign_id, user_id) IN ${this.sql.dialect.pairs(pairs.length)}`,
      pairs.flatMap(({ campaignId, userId }) => [campaignId, userId]),
    );
    return rows.map(toIssuedClaim);
  }

  listByUser(userId: string, limit: number, beforeId?: number): Promise<Coupon[]> {
    return this.sql.repository(CouponEntity).find({
      where: beforeId === undefined ? { userId } : { userId, id: LessThan(beforeId) },
      order: { id: 'DESC' },
      take: limit,
    });
  }

  async listIssuedAfter(id: number, limit: number): Promise<IssuedClaim[]> {
    const rows = await this.sql.select<RawIssuedClaim>(
      'SELECT id, campaign_id, user_id, claim_id, sequence, claimed_at, idempotency_digest FROM coupons ' +
        'WHERE id > ? ORDER BY id LIMIT ?',
      [id, limit],
    );
    return rows.map(toIssuedClaim);
  }

  count(campaignId: string): Promise<number> {
    return this.sql.repository(CouponEntity).countBy({ campaignId });
  }
}

function toIssuedClaim(row: RawIssuedClaim): IssuedClaim {
  return {
    id: Number(row.id),
    campaignId: row.campaign_id,
    userId: row.user_id,
    claimId: row.claim_id,
    sequence: Number(row.sequence),
    claimedAt: Number(row.claimed_at),
    idempotencyDigest: row.idempotency_digest,
  };
}
