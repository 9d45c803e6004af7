import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { type Coupon } from '../../../persistence/coupon-store.js';
import { instant, integer, nullable, text } from './columns.js';

@Entity('coupons')
export class CouponEntity implements Coupon {
  @PrimaryGeneratedColumn('increment', { name: 'id' })
  id!: number;

  @Column(text('campaign_id'))
  campaignId!: string;

  @Column(text('user_id'))
  userId!: string;

  @Column(text('claim_id'))
  claimId!: string;

  @Column(text('code'))
  code!: string;

  @Column(integer('sequence'))
  sequence!: number;

  @Column(instant('claimed_at'))
  claimedAt!: number;

  @Column(nullable(text('idempotency_digest')))
  idempotencyDigest!: string | null;

  @Column(instant('created_at'))
  createdAt!: number;
}
