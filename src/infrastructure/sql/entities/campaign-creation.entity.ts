import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant, text } from './columns.js';

@Entity('campaign_creations')
export class CampaignCreationEntity {
  @PrimaryColumn(text('key_digest'))
  keyDigest!: string;

  @Column(text('request_digest'))
  requestDigest!: string;

  /** JSON. */
  @Column(text('campaign'))
  campaign!: string;

  @Column(instant('created_at'))
  at!: number;
}
