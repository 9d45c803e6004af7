import { LessThan } from 'typeorm';
import { groupBy } from '../../../events/group-by.js';
import { type Coupon, CouponStore, type IssuedClaim, type NewCoupon } from '../../../persistence/coupon-store.js';
import { CouponEntity } from '../entities/coupon.entity.js';
import { chunks, inList } from '../sql-dialect.js';
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

/** Of one coupon in an INSERT. */
const COLUMNS = 8;

/** The statements of the consumer and of the rebuild are written out: they run once for each claim of a drop. */
export class SqlCouponStore extends CouponStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async insert(coupons: readonly NewCoupon[]): Promise<void> {
    if (coupons.length === 0) return;
    const statements = [...chunks(coupons, COLUMNS)];
    const [only] = statements;
    if (statements.length === 1 && only !== undefined) return this.insertChunk(only);
    await this.sql.allOrNothing(async () => {
      for (const statement of statements) await this.insertChunk(statement);
    });
  }

  find(campaignId: string, userId: string): Promise<Coupon | null> {
    return this.sql.repository(CouponEntity).findOneBy({ campaignId, userId });
  }

  async findByUsers(pairs: readonly { campaignId: string; userId: string }[]): Promise<IssuedClaim[]> {
    const found: IssuedClaim[] = [];
    for (const [campaignId, users] of groupBy(pairs, (pair) => pair.campaignId)) {
      for (const some of chunks(users.map(({ userId }) => userId))) {
        // A list of pairs would be one statement for all campaigns, and take a server twice as long.
        const rows = await this.sql.select<RawIssuedClaim>(
          'SELECT id, campaign_id, user_id, claim_id, sequence, claimed_at, idempotency_digest FROM coupons ' +
            `WHERE campaign_id = ? AND user_id IN ${inList(some)}`,
          [campaignId, ...some],
        );
        for (const row of rows) found.push(toIssuedClaim(row));
      }
    }
    return found;
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

  private async insertChunk(coupons: readonly NewCoupon[]): Promise<void> {
    const { sql, parameters } = this.sql.dialect.rows(
      coupons.map(({ campaignId, userId, claimId, code, sequence, claimedAt, idempotencyDigest, createdAt }) => [
        campaignId,
        userId,
        claimId,
        code,
        sequence,
        claimedAt,
        idempotencyDigest,
        createdAt,
      ]),
    );
    await this.sql.execute(
      'INSERT INTO coupons ' +
        '(campaign_id, user_id, claim_id, code, sequence, claimed_at, idempotency_digest, created_at) ' +
        `VALUES ${sql}`,
      parameters,
    );
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
