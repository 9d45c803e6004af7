import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { instant, nullable, text } from './columns.js';

@Entity('admin_audit')
export class AdminAuditEntity {
  @PrimaryGeneratedColumn('increment', { name: 'id' })
  id!: number;

  @Column(text('action'))
  action!: string;

  @Column(text('subject'))
  subject!: string;

  /** null in rows of a version that had no keys, as the other three that came with them. */
  @Column(nullable(text('actor_id')))
  actorId!: string | null;

  @Column(nullable(text('actor_name')))
  actorName!: string | null;

  @Column(nullable(text('address')))
  address!: string | null;

  @Column(nullable(text('campaign_id')))
  campaignId!: string | null;

  @Column(nullable(text('request_id')))
  requestId!: string | null;

  /** JSON. */
  @Column(text('detail'))
  detail!: string;

  @Column(instant('created_at'))
  createdAt!: number;
}
