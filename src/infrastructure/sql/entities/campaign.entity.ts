import { Column, Entity, PrimaryColumn } from 'typeorm';
import { type Campaign, type ChallengeKind, type StoredCampaignState } from '../../../domain/campaign.js';
import { flag, instant, integer, nullable, text } from './columns.js';

@Entity('campaigns')
export class CampaignEntity implements Campaign {
  @PrimaryColumn(text('id'))
  id!: string;

  @Column(text('name'))
  name!: string;

  @Column(integer('total'))
  total!: number;

  @Column(integer('issued'))
  issued!: number;

  @Column(instant('starts_at'))
  startsAt!: number;

  @Column(nullable(instant('ends_at')))
  endsAt!: number | null;

  @Column(text('state'))
  state!: StoredCampaignState;

  @Column(integer('version'))
  version!: number;

  @Column(nullable(instant('opened_at')))
  openedAt!: number | null;

  @Column(nullable(instant('last_claimed_at')))
  lastClaimedAt!: number | null;

  @Column(nullable(instant('sold_out_at')))
  soldOutAt!: number | null;

  /** Failed events that became RESOLVED, for the counts of failed events: no part of a campaign. */
  @Column({ ...integer('resolved_events'), select: false })
  resolvedEvents!: number;

  @Column(nullable(instant('left_gate_at')))
  leftGateAt!: number | null;

  /** When the gate had forgotten a campaign that has left. Only the store asks. */
  @Column({ ...nullable(instant('gate_cleared_at')), select: false })
  gateClearedAt?: number | null;
  @Column(flag('require_entry'))
  requireEntry!: boolean;

  @Column(text('challenge'))
  challenge!: ChallengeKind;

  @Column(integer('challenge_cost'))
  challengeCost!: number;

  @Column(instant('created_at'))
  createdAt!: number;

  @Column(instant('updated_at'))
  updatedAt!: number;
}
