import {
  type CampaignCreation,
  CampaignCreationStore,
  type CampaignTerms,
} from '../../../ports/database/campaign-creation-store.js';
import { CampaignCreationEntity } from '../entities/campaign-creation.entity.js';
import { type SqlSession } from '../sql-session.js';

export class SqlCampaignCreationStore extends CampaignCreationStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async find(keyDigest: string): Promise<CampaignCreation | null> {
    const row = await this.sql.repository(CampaignCreationEntity).findOneBy({ keyDigest });
    return row === null ? null : { ...row, campaign: JSON.parse(row.campaign) as CampaignTerms };
  }

  async insert({ keyDigest, requestDigest, campaign, at }: CampaignCreation): Promise<void> {
    await this.sql
      .repository(CampaignCreationEntity)
      .insert({ keyDigest, requestDigest, campaign: JSON.stringify(campaign), at });
  }
}
