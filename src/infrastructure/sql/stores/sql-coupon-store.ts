import { type ClaimHolder, type Fields } from '../../../domain/claim.js';
import { groupBy } from '../../../platform/values/group-by.js';
import {
  type CampaignCouponFilter,
  type Coupon,
  type CouponPosition,
  CouponStore,
  type IssuedClaim,
  type NewCoupon,
} from '../../../ports/database/coupon-store.js';
import { CLAIM_COLUMNS, COUPON_COLUMNS, type Raw, selected } from '../claim-columns.js';
import { chunks, inList } from '../sql-dialect.js';
import { type SqlSession } from '../sql-session.js';

const FIELDS = Object.keys(COUPON_COLUMNS) as (keyof NewCoupon)[];
// mutant: insert-ignore
const INSERT = `INSERT INTO coupons (${Object.values(COUPON_COLUMNS).join(', ')}) VALUES `;
const ISSUED_COLUMNS: Fields<IssuedClaim, string> = { id: 'id', ...CLAIM_COLUMNS };
const ISSUED_CLAIM = selected(ISSUED_COLUMNS);
const WHOLE_COLUMNS: Fields<Coupon, string> = { id: 'id', ...COUPON_COLUMNS };
const COUPON = selected(WHOLE_COLUMNS);

/**
 * The statements are written out. The consumer and the rebuild run theirs for each claim of a drop, and callers ask for
 * claims and coupons during one. TypeORM takes longer to make such a statement and to read its rows than the database
 * to answer it.
 */
export class SqlCouponStore extends CouponStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async insert(coupons: readonly NewCoupon[]): Promise<void> {
    if (coupons.length === 0) return;
    const statements = [...chunks(coupons, FIELDS.length)];
    const [only] = statements;
    if (statements.length === 1 && only !== undefined) return this.insertChunk(only);
    await this.sql.allOrNothing(async () => {
      for (const statement of statements) await this.insertChunk(statement);
    });
  }

  async find(campaignId: string, userId: string): Promise<Coupon | null> {
    const [row] = await this.sql.select<Raw<Coupon>>(
      `SELECT ${COUPON} FROM coupons WHERE campaign_id = ? AND user_id = ?`,
      [campaignId, userId],
    );
    return row === undefined ? null : toCoupon(row);
  }

  /** Two statements: each of them reads one unique key. */
  async findByClaimOrCode(text: string): Promise<Coupon | null> {
    for (const column of ['claim_id', 'code']) {
      const [row] = await this.sql.select<Raw<Coupon>>(`SELECT ${COUPON} FROM coupons WHERE ${column} = ?`, [text]);
      if (row !== undefined) return toCoupon(row);
    }
    return null;
  }

  async findByUsers(holders: readonly ClaimHolder[]): Promise<IssuedClaim[]> {
    const found: IssuedClaim[] = [];
    for (const [campaignId, users] of groupBy(holders, (holder) => holder.campaignId)) {
      for (const some of chunks(users.map(({ userId }) => userId))) {
        // A list of pairs would need one statement for all campaigns, but takes a server twice as long.
        const rows = await this.sql.select<Raw<IssuedClaim>>(
          `SELECT ${ISSUED_CLAIM} FROM coupons ` + `WHERE campaign_id = ? AND user_id IN ${inList(some)}`,
          [campaignId, ...some],
        );
        for (const row of rows) found.push(toIssuedClaim(row));
      }
    }
    return found;
  }

  async listByUser(userId: string, limit: number, beforeId?: number): Promise<Coupon[]> {
    const before = beforeId === undefined ? '' : 'AND id < ? ';
    const rows = await this.sql.select<Raw<Coupon>>(
      `SELECT ${COUPON} FROM coupons WHERE user_id = ? ${before}ORDER BY id DESC LIMIT ?`,
      beforeId === undefined ? [userId, limit] : [userId, beforeId, limit],
    );
    return rows.map(toCoupon);
  }

  /** The index `coupons_in_order` has this order, so a page reads its own rows alone. */
  async listByCampaign(
    { campaignId, userId, from, to, lastId }: CampaignCouponFilter,
    order: 'oldest-first' | 'newest-first',
    limit: number,
    after?: CouponPosition,
  ): Promise<Coupon[]> {
    const [behind, direction] = order === 'oldest-first' ? (['>', 'ASC'] as const) : (['<', 'DESC'] as const);
    const conditions: { readonly sql: string; readonly values: readonly unknown[] }[] = [
      { sql: '', values: [campaignId] },
    ];
    if (userId !== undefined) conditions.push({ sql: ' AND user_id = ?', values: [userId] });
    if (from !== undefined) conditions.push({ sql: ' AND claimed_at >= ?', values: [from] });
    if (to !== undefined) conditions.push({ sql: ' AND claimed_at < ?', values: [to] });
    // The plus keeps the databases to the index of the order.
    if (lastId !== undefined) conditions.push({ sql: ' AND +id <= ?', values: [lastId] });
    if (after !== undefined) conditions.push(rangeBehind(behind, after));
    const rows = await this.sql.selectMany<Coupon>(
      WHOLE_COLUMNS,
      `FROM coupons WHERE campaign_id = ?${conditions.map(({ sql }) => sql).join('')} ` +
        `ORDER BY claimed_at ${direction}, sequence ${direction}, id ${direction} LIMIT ?`,
      [...conditions.flatMap(({ values }) => values), limit],
    );
    return rows.map(toCoupon);
  }

  async listIssuedOf(campaignId: string, after: CouponPosition | null, limit: number): Promise<IssuedClaim[]> {
    const behind = after === null ? { sql: '', values: [] } : rangeBehind('>', after);
    const rows = await this.sql.selectMany<IssuedClaim>(
      ISSUED_COLUMNS,
      `FROM coupons${this.inOrder} WHERE campaign_id = ?${behind.sql} ORDER BY claimed_at, sequence, id LIMIT ?`,
      [campaignId, ...behind.values, limit],
      issuedClaimOf,
    );
    return rows.map(toIssuedClaim);
  }

  async listIssuedOfAll(campaignIds: readonly string[]): Promise<IssuedClaim[]> {
    const found: IssuedClaim[] = [];
    for (const some of chunks(campaignIds)) {
      const rows = await this.sql.selectMany<IssuedClaim>(
        ISSUED_COLUMNS,
        `FROM coupons${this.inOrder} WHERE campaign_id IN ${inList(some)}`,
        [...some],
        issuedClaimOf,
      );
      for (const row of rows) found.push(toIssuedClaim(row));
    }
    return found;
  }

  async count(campaignId: string): Promise<number> {
    const [row] = await this.sql.select<{ coupons: number | string }>(
      'SELECT COUNT(*) AS coupons FROM coupons WHERE campaign_id = ?',
      [campaignId],
    );
    return Number(row?.coupons ?? 0);
  }

  async lastId(): Promise<number> {
    const [row] = await this.sql.select<{ id: number | string | null }>('SELECT MAX(id) AS id FROM coupons');
    return Number(row?.id ?? 0);
  }

  /**
   * Both statements read the unique key of (campaign, user) alone, to which the databases append the id. The plus keeps
   * SQLite from another index of the campaign, such as it took in a file with statistics: each page read the whole campaign.
   */
  async countNext(campaignId: string, afterUserId: string, limit: number, lastId: number) {
    const [last] = await this.sql.select<{ user_id: string }>(
      'SELECT user_id FROM coupons WHERE campaign_id = ? AND user_id > ? ORDER BY user_id LIMIT 1 OFFSET ?',
      [campaignId, afterUserId, limit - 1],
    );
    const [upTo, users] = last === undefined ? ['', []] : [' AND user_id <= ?', [last.user_id]];
    const [row] = await this.sql.select<{ coupons: number | string }>(
      `SELECT COUNT(*) AS coupons FROM coupons WHERE campaign_id = ? AND user_id > ?${upTo} AND +id <= ?`,
      [campaignId, afterUserId, ...users, lastId],
    );
    return { counted: Number(row?.coupons ?? 0), lastUserId: last?.user_id ?? null };
  }

  /** Named, since a server whose statistics mislead it would read what other campaigns have, by the primary key. */
  private get inOrder(): string {
    return this.sql.dialect.byIndex('coupons_in_order');
  }

  private async insertChunk(coupons: readonly NewCoupon[]): Promise<void> {
    const { sql, parameters } = this.sql.dialect.rows(coupons.map((coupon) => FIELDS.map((field) => coupon[field])));
    await this.sql.execute(INSERT + sql, parameters);
  }
}

/** The first condition alone bounds what is read: no database takes both columns of a pair for one range. */
function rangeBehind(
  behind: '<' | '>',
  { claimedAt, sequence, id }: CouponPosition,
): { readonly sql: string; readonly values: readonly number[] } {
  return {
    sql:
      ` AND claimed_at ${behind}= ? AND ` +
      // mutant: coupons-of-one-instant
      `(claimed_at ${behind} ? OR sequence ${behind} ? OR (sequence = ? AND id ${behind} ?))`,
    values: [claimedAt, claimedAt, sequence, sequence, id],
  };
}

/** In the order of {@link ISSUED_COLUMNS}. */
function issuedClaimOf(cells: readonly unknown[]): Raw<IssuedClaim> {
  return {
    id: cells[0] as number,
    campaignId: cells[1] as string,
    userId: cells[2] as string,
    claimId: cells[3] as string,
    sequence: cells[4] as number,
    claimedAt: cells[5] as number,
    idempotencyDigest: cells[6] as string | null,
  };
}

function toIssuedClaim(row: Raw<IssuedClaim>): IssuedClaim {
  // Written out: a spread is slow, and a rebuild pays for it with every coupon.
  const { id, campaignId, userId, claimId, sequence, claimedAt, idempotencyDigest } = row;
  return {
    id: Number(id),
    campaignId,
    userId,
    claimId,
    sequence: Number(sequence),
    claimedAt: Number(claimedAt),
    idempotencyDigest,
  };
}

function toCoupon(row: Raw<Coupon>): Coupon {
  return { ...toIssuedClaim(row), code: row.code, createdAt: Number(row.createdAt) };
}
