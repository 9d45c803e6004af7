import { type CampaignDraft } from '../../../domain/campaign.js';
import { CampaignDraftStore, type DraftChange } from '../../../ports/database/campaign-draft-store.js';
import { CampaignDraftEntity } from '../entities/campaign-draft.entity.js';
import { type SqlSession } from '../sql-session.js';

export class SqlCampaignDraftStore extends CampaignDraftStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  find(id: string): Promise<CampaignDraft | null> {
    return this.sql.repository(CampaignDraftEntity).findOneBy({ id });
  }

  async lock(id: string): Promise<CampaignDraft | null> {
    const { lockExclusive } = this.sql.dialect;
    // mutant: unlocked-draft
    const locked = await this.sql.select(`SELECT id FROM campaign_drafts WHERE id = ?${lockExclusive}`, [id]);
    return locked.length === 0 ? null : this.find(id);
  }

  list(limit: number, before?: { createdAt: number; id: string }): Promise<CampaignDraft[]> {
    const drafts = this.sql.repository(CampaignDraftEntity).createQueryBuilder('draft');
    if (before !== undefined) {
      // Written so that the index can be entered at the first of them, as in the store of campaigns.
      drafts.where('draft.createdAt <= :createdAt AND (draft.createdAt < :createdAt OR draft.id < :id)', {
        createdAt: before.createdAt,
        id: before.id,
      });
    }
    return drafts.orderBy('draft.createdAt', 'DESC').addOrderBy('draft.id', 'DESC').limit(limit).getMany();
  }

  async insert(draft: Omit<CampaignDraft, 'version' | 'createdAt' | 'updatedAt'>): Promise<CampaignDraft> {
    const now = await this.sql.now();
    const row: CampaignDraft = { ...draft, version: 1, createdAt: now, updatedAt: now };
    await this.sql.repository(CampaignDraftEntity).insert({ ...row });
    return row;
  }

  async update(id: string, change: DraftChange, version: number): Promise<CampaignDraft> {
    const drafts = this.sql.repository(CampaignDraftEntity);
    await drafts.update({ id }, { ...change, version, updatedAt: await this.sql.now() });
    return drafts.findOneByOrFail({ id });
  }

  async delete(id: string): Promise<void> {
    await this.sql.execute('DELETE FROM campaign_drafts WHERE id = ?', [id]);
  }
}
