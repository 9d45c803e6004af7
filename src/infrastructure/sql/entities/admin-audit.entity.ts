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

  @Column(nullable(text('request_id')))
  requestId!: string | null;

  /** JSON. */
  @Column(text('detail'))
  detail!: string;

  @Column(instant('created_at'))
  createdAt!: number;
}
