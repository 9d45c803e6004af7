import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { type Coupon } from '../../../ports/database/coupon-store.js';
import { COUPON_COLUMNS } from '../claim-columns.js';
import { instant, integer, nullable, text } from './columns.js';

@Entity('coupons')
export class CouponEntity implements Coupon {
  @PrimaryGeneratedColumn('increment', { name: 'id' })
  id!: number;

  @Column(text(COUPON_COLUMNS.campaignId))
  campaignId!: string;

  @Column(text(COUPON_COLUMNS.userId))
  userId!: string;

  @Column(text(COUPON_COLUMNS.claimId))
  claimId!: string;

  @Column(text(COUPON_COLUMNS.code))
  code!: string;

  @Column(integer(COUPON_COLUMNS.sequence))
  sequence!: number;

  @Column(instant(COUPON_COLUMNS.claimedAt))
  claimedAt!: number;

  @Column(nullable(text(COUPON_COLUMNS.idempotencyDigest)))
  idempotencyDigest!: string | null;

  @Column(instant(COUPON_COLUMNS.createdAt))
  createdAt!: number;
}
