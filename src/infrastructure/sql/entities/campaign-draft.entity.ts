import { Column, Entity, PrimaryColumn } from 'typeorm';
import { type CampaignDraft, type ChallengeKind } from '../../../domain/campaign.js';
import { flag, instant, integer, nullable, text } from './columns.js';

@Entity('campaign_drafts')
export class CampaignDraftEntity implements CampaignDraft {
  @PrimaryColumn(text('id'))
  id!: string;

  @Column(text('name'))
  name!: string;

  @Column(integer('total'))
  total!: number;

  @Column(instant('starts_at'))
  startsAt!: number;

  @Column(nullable(instant('ends_at')))
  endsAt!: number | null;

  @Column(flag('require_entry'))
  requireEntry!: boolean;

  @Column(text('challenge'))
  challenge!: ChallengeKind;

  @Column(integer('challenge_cost'))
  challengeCost!: number;

  @Column(integer('version'))
  version!: number;

  @Column(instant('created_at'))
  createdAt!: number;

  @Column(instant('updated_at'))
  updatedAt!: number;
}
