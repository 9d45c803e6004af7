import { In, MoreThan } from 'typeorm';
import { type Campaign, type CampaignChange, CampaignStore } from '../../../persistence/campaign-store.js';
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
  created_at: string | number;
  updated_at: string | number;
}

export class SqlCampaignStore extends CampaignStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  find(id: string): Promise<Campaign | null> {
    return this.sql.repository(CampaignEntity).findOneBy({ id });
  }

  async findMany(ids: readonly string[]): Promise<Campaign[]> {
    const found: Campaign[] = [];
    for (const some of chunks(ids)) found.push(...(await this.sql.repository(CampaignEntity).findBy({ id: In(some) })));
    return found;
  }

  /** Written out: all consumers of a campaign wait for each other here, and TypeORM would read in a second round trip. */
  async lock(ids: readonly string[]): Promise<Campaign[]> {
    const { lockExclusive } = this.sql.dialect;
    const locked: Campaign[] = [];
    for (const some of chunks([...ids].sort())) {
      const rows = await this.sql.select<RawCampaign>(
        'SELECT id, name, total, issued, starts_at, ends_at, state, version, created_at, updated_at FROM campaigns ' +
          `WHERE id IN ${inList(some)} ORDER BY id${lockExclusive}`,
        [...some],
      );
      locked.push(...rows.map(toCampaign));
    }
    return locked;
  }

  list(limit: number, before?: { createdAt: number; id: string }): Promise<Campaign[]> {
    const query = this.sql.repository(CampaignEntity).createQueryBuilder('campaign');
    if (before !== undefined) {
      query.where(
        '(campaign.createdAt < :createdAt OR (campaign.createdAt = :createdAt AND campaign.id < :id))',
        before,
      );
    }
    return query.orderBy('campaign.createdAt', 'DESC').addOrderBy('campaign.id', 'DESC').take(limit).getMany();
  }

  listAfter(id: string, limit: number): Promise<Campaign[]> {
    return this.sql.repository(CampaignEntity).find({ where: { id: MoreThan(id) }, order: { id: 'ASC' }, take: limit });
  }

  async insert(campaign: Pick<Campaign, 'id' | 'name' | 'total' | 'startsAt' | 'endsAt' | 'state'>): Promise<Campaign> {
    const now = await this.sql.now();
    const row: Campaign = { ...campaign, issued: 0, version: 1, createdAt: now, updatedAt: now };
    await this.sql.repository(CampaignEntity).insert(row);
    return row;
  }

  async update(id: string, change: CampaignChange, version: number): Promise<void> {
    const updatedAt = await this.sql.now();
    await this.sql.repository(CampaignEntity).update({ id }, { ...change, version, updatedAt });
  }

  async addIssued(id: string, count: number): Promise<void> {
    await this.sql.execute('UPDATE campaigns SET issued = issued + ? WHERE id = ?', [count, id]);
  }
}

function toCampaign(row: RawCampaign): Campaign {
  return {
    id: row.id,
    name: row.name,
    total: Number(row.total),
    issued: Number(row.issued),
    startsAt: Number(row.starts_at),
    endsAt: row.ends_at === null ? null : Number(row.ends_at),
    state: row.state,
    version: Number(row.version),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}
