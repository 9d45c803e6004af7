import { type Fields } from '../../../domain/claim.js';
import { type Refusal, RefusalStore } from '../../../ports/database/refusal-store.js';
import { type Raw, selected } from '../claim-columns.js';
import { chunks } from '../sql-dialect.js';
import { type SqlSession } from '../sql-session.js';

const COLUMNS: Fields<Refusal, string> = {
  campaignId: 'campaign_id',
  userId: 'user_id',
  code: 'code',
  refusedAt: 'refused_at',
  requestId: 'request_id',
};
const FIELDS = Object.keys(COLUMNS) as (keyof Refusal)[];

export class SqlRefusalStore extends RefusalStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async insertMissing(refusals: readonly Refusal[]): Promise<void> {
    for (const some of chunks(refusals, FIELDS.length)) {
      const rows = some.map((refusal) => FIELDS.map((field) => refusal[field]));
      const { sql, parameters } = this.sql.dialect.rowsKeepingFirst('user_id, campaign_id, code', rows);
      await this.sql.execute(`INSERT INTO refusals (${Object.values(COLUMNS).join(', ')}) ${sql}`, parameters);
    }
  }

  async listByUser(userId: string, limit: number): Promise<Refusal[]> {
    const rows = await this.sql.select<Raw<Refusal>>(
      `SELECT ${selected(COLUMNS)} FROM refusals WHERE user_id = ? ORDER BY refused_at DESC LIMIT ?`,
      [userId, limit],
    );
    return rows.map((row) => ({ ...row, refusedAt: Number(row.refusedAt) }));
  }

  async countAtMost(): Promise<number> {
    const end = async (order: 'ASC' | 'DESC') => {
      const [row] = await this.sql.select<{ id: number | string }>(
        `SELECT id FROM refusals ORDER BY id ${order} LIMIT 1`,
      );
      return row === undefined ? null : Number(row.id);
    };
    const [first, last] = [await end('ASC'), await end('DESC')];
    return first === null || last === null ? 0 : last - first + 1;
  }

  /** In the order of the ids, which is nearly that of the refusals. No index on the instant is needed. */
  async prune(ageMs: number, limit: number): Promise<number> {
    const rows = await this.sql.select<{ id: number | string; refused_at: number | string }>(
      'SELECT id, refused_at FROM refusals ORDER BY id LIMIT ?',
      [limit],
    );
    const before = (await this.sql.now()) - ageMs;
    const young = rows.findIndex((row) => Number(row.refused_at) >= before);
    const old = young === -1 ? rows : rows.slice(0, young);
    const last = old.at(-1);
    return last === undefined ? 0 : this.sql.execute('DELETE FROM refusals WHERE id <= ?', [last.id]);
  }
}
