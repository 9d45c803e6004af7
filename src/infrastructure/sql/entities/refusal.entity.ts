import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { type ClaimRefusal } from '../../../domain/refusals.js';
import { type Refusal } from '../../../ports/database/refusal-store.js';
import { instant, text } from './columns.js';

@Entity('refusals')
export class RefusalEntity implements Refusal {
  @PrimaryGeneratedColumn('increment', { name: 'id' })
  id!: number;

  @Column(text('campaign_id'))
  campaignId!: string;

  @Column(text('user_id'))
  userId!: string;

  @Column(text('code'))
  code!: ClaimRefusal;

  @Column(instant('refused_at'))
  refusedAt!: number;

  @Column(text('request_id'))
  requestId!: string;
}
