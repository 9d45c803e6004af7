import { type Campaign, type EntryTerms, NO_ENTRY } from '../../../domain/campaign.js';
import { type CampaignChange, CampaignStore, type EntryCampaign } from '../../../ports/database/campaign-store.js';
import { CampaignEntity } from '../entities/campaign.entity.js';
import { chunks, inList } from '../sql-dialect.js';
import { type SqlSession } from '../sql-session.js';

interface RawCampaign {
  id: string;
  name: string;
  total: string | number;
  issued: string | number;
  starts_at: string | number;
  ends_at: string | number | null;
  state: Campaign['state'];
  version: string | number;
  opened_at: string | number | null;
  last_claimed_at: string | number | null;
  sold_out_at: string | number | null;
  left_gate_at: string | number | null;
  require_entry: string | number;
  challenge: Campaign['challenge'];
  challenge_cost: string | number;
  created_at: string | number;
  updated_at: string | number;
}

const COLUMNS =
  'id, name, total, issued, starts_at, ends_at, state, version, opened_at, last_claimed_at, sold_out_at, left_gate_at, ' +
  'require_entry, challenge, challenge_cost, created_at, updated_at';

/** In the order of the index `campaigns_at_gate`. */
const AT_GATE = 'gate_cleared_at IS NULL AND left_gate_at IS NULL';

export class SqlCampaignStore extends CampaignStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async find(id: string): Promise<Campaign | null> {
    const [campaign] = await this.findMany([id]);
    return campaign ?? null;
  }

  async findMany(ids: readonly string[]): Promise<Campaign[]> {
    const found: Campaign[] = [];
    for (const some of chunks(ids)) {
      const rows = await this.sql.select<RawCampaign>(`SELECT ${COLUMNS} FROM campaigns WHERE id IN ${inList(some)}`, [
        ...some,
      ]);
      found.push(...rows.map(toCampaign));
    }
    return found;
  }

  /**
   * All consumers of a campaign wait for each other here. TypeORM would read in a second round trip, so the statement
   * is written out.
   */
  async lock(ids: readonly string[]): Promise<Campaign[]> {
    const { lockExclusive } = this.sql.dialect;
    const locked: Campaign[] = [];
    for (const some of chunks([...ids].sort())) {
      const rows = await this.sql.select<RawCampaign>(
        // mutant: unlocked-campaign
        `SELECT ${COLUMNS} FROM campaigns WHERE id IN ${inList(some)} ORDER BY id${lockExclusive}`,
        [...some],
      );
      locked.push(...rows.map(toCampaign));
    }
    return locked;
  }

  async list(limit: number, before?: { createdAt: number; id: string }): Promise<Campaign[]> {
    // Written so that an index can be entered at the first of them; with an OR alone, SQLite reads all newer ones too.
    const older = before === undefined ? '' : 'WHERE created_at <= ? AND (created_at < ? OR id < ?) ';
    const rows = await this.sql.select<RawCampaign>(
      `SELECT ${COLUMNS} FROM campaigns ${older}ORDER BY created_at DESC, id DESC LIMIT ?`,
      before === undefined ? [limit] : [before.createdAt, before.createdAt, before.id, limit],
    );
    return rows.map(toCampaign);
  }

  listAtGate(afterId: string, limit: number): Promise<Campaign[]> {
    // mutant: left-and-listed
    return this.listWhere(`${AT_GATE} AND id > ? ORDER BY id`, [afterId, limit]);
  }

  listEnded(before: number, afterId: string, limit: number): Promise<Campaign[]> {
    const ended = "state = 'OPEN' AND ends_at <= ?";
    return this.listWhere(`${AT_GATE} AND id > ? AND ${ended} ORDER BY id`, [afterId, before, limit]);
  }

  listClosed(before: number, afterId: string, limit: number): Promise<Campaign[]> {
    const closed = "state = 'CLOSED' AND updated_at <= ?";
    return this.listWhere(`${AT_GATE} AND id > ? AND ${closed} ORDER BY id`, [afterId, before, limit]);
  }

  listUncleared(limit: number): Promise<Campaign[]> {
    return this.listWhere('gate_cleared_at IS NULL AND left_gate_at IS NOT NULL ORDER BY left_gate_at', [limit]);
  }

  private async listWhere(condition: string, parameters: unknown[]): Promise<Campaign[]> {
    const rows = await this.sql.select<RawCampaign>(
      `SELECT ${COLUMNS} FROM campaigns WHERE ${condition} LIMIT ?`,
      parameters,
    );
    return rows.map(toCampaign);
  }

  async requiringEntry(): Promise<EntryCampaign[]> {
    const rows = await this.sql.select<Pick<RawCampaign, 'id' | 'challenge' | 'challenge_cost'>>(
      "SELECT id, challenge, challenge_cost FROM campaigns WHERE require_entry = 1 AND state IN ('OPEN', 'PAUSED')",
    );
    return rows.map(({ id, challenge, challenge_cost }) => ({ id, challenge, challengeCost: Number(challenge_cost) }));
  }

  async insert(
    campaign: Pick<Campaign, 'id' | 'name' | 'total' | 'startsAt' | 'endsAt' | 'state'> &
      Partial<EntryTerms & Pick<Campaign, 'version'>>,
  ): Promise<Campaign> {
    const now = await this.sql.now();
    const row: Campaign = {
      ...NO_ENTRY,
      version: 1,
      ...campaign,
      issued: 0,
      ...NOTHING_YET,
      createdAt: now,
      updatedAt: now,
    };
    await this.sql.repository(CampaignEntity).insert({ ...row, resolvedEvents: 0 });
    return row;
  }

  async update(id: string, change: CampaignChange, version: number): Promise<Campaign> {
    const campaigns = this.sql.repository(CampaignEntity);
    const updatedAt = await this.sql.now();
    await campaigns.update({ id }, { ...change, version, updatedAt });
    if (change.total !== undefined || change.startsAt !== undefined) {
      await this.sql.execute(
        'UPDATE campaigns SET sold_out_at = CASE WHEN issued < total THEN NULL ELSE COALESCE(sold_out_at, ?) END, ' +
          'opened_at = CASE WHEN starts_at > ? THEN NULL ELSE opened_at END WHERE id = ?',
        [updatedAt, updatedAt, id],
      );
    }
    return campaigns.findOneByOrFail({ id });
  }

  async addIssued(id: string, count: number, claimedAt: number): Promise<void> {
    // MySQL assigns from left to right and reads what it has assigned. So each expression reads only columns that come
    // later.
    await this.sql.execute(
      'UPDATE campaigns SET ' +
        'sold_out_at = CASE WHEN issued + ? < total THEN NULL WHEN last_claimed_at > ? THEN last_claimed_at ELSE ? END, ' +
        'last_claimed_at = CASE WHEN last_claimed_at > ? THEN last_claimed_at ELSE ? END, ' +
        'issued = issued + ? WHERE id = ?',
      [count, claimedAt, claimedAt, claimedAt, claimedAt, count, id],
    );
  }

  async markOpened(id: string, version: number): Promise<boolean> {
    const statement = 'UPDATE campaigns SET opened_at = starts_at WHERE id = ? AND version = ? AND opened_at IS NULL';
    return (await this.sql.execute(statement, [id, version])) === 1;
  }

  async markLeft(id: string): Promise<void> {
    await this.sql.execute(`UPDATE campaigns SET left_gate_at = ${this.sql.dialect.now} WHERE id = ?`, [id]);
  }

  async markCleared(id: string): Promise<void> {
    await this.sql.execute(
      `UPDATE campaigns SET gate_cleared_at = ${this.sql.dialect.now} WHERE id = ? AND left_gate_at IS NOT NULL`,
      [id],
    );
  }
}

const NOTHING_YET = { openedAt: null, lastClaimedAt: null, soldOutAt: null, leftGateAt: null };

function toNumberOrNull(value: string | number | null): number | null {
  return value === null ? null : Number(value);
}

function toCampaign(row: RawCampaign): Campaign {
  return {
    id: row.id,
    name: row.name,
    total: Number(row.total),
    issued: Number(row.issued),
    startsAt: Number(row.starts_at),
    endsAt: toNumberOrNull(row.ends_at),
    state: row.state,
    version: Number(row.version),
    openedAt: toNumberOrNull(row.opened_at),
    lastClaimedAt: toNumberOrNull(row.last_claimed_at),
    // A process of the version before may have raised the total. It does not know this column.
    soldOutAt: Number(row.issued) < Number(row.total) ? null : toNumberOrNull(row.sold_out_at),
    leftGateAt: toNumberOrNull(row.left_gate_at),
    requireEntry: Number(row.require_entry) === 1,
    challenge: row.challenge,
    challengeCost: Number(row.challenge_cost),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}
