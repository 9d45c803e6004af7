import { Column, Entity, PrimaryColumn } from 'typeorm';
import { type AdminRole } from '../../../platform/identity/key-role.js';
import { type ApprovalStatus, type ApprovedAction } from '../../../ports/database/approval-store.js';
import { instant, nullable, text } from './columns.js';

@Entity('approvals')
export class ApprovalEntity {
  @PrimaryColumn(text('id'))
  id!: string;

  @Column(text('action'))
  action!: ApprovedAction;

  @Column(text('subject'))
  subject!: string;

  @Column(nullable(text('campaign_id')))
  campaignId!: string | null;

  @Column(text('needed_role'))
  neededRole!: AdminRole;

  /** JSON, as the two others. */
  @Column(text('asked'))
  order!: string;

  @Column(text('consequences'))
  consequences!: string;

  @Column(nullable(text('outcome')))
  outcome!: string | null;

  @Column(text('status'))
  status!: ApprovalStatus;

  @Column(text('requested_by'))
  requestedById!: string;

  @Column(text('requested_name'))
  requestedByName!: string;

  @Column(nullable(text('decided_by')))
  decidedById!: string | null;

  @Column(nullable(text('decided_name')))
  decidedByName!: string | null;

  @Column(nullable(instant('decided_at')))
  decidedAt!: number | null;

  @Column(instant('expires_at'))
  expiresAt!: number;

  @Column(instant('created_at'))
  createdAt!: number;
}
