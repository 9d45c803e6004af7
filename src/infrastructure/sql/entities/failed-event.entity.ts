import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { type ClaimEvent } from '../../../domain/claim.js';
import { type FailedEventSource, type FailedEventStatus } from '../../../ports/database/failed-event-store.js';
import { EVENT_COLUMNS } from '../claim-columns.js';
import { instant, integer, nullable, text } from './columns.js';

/** The claim of a failed event; all of it null where the message could not be read. */
export type StoredClaim = { [Field in keyof ClaimEvent]-?: ClaimEvent[Field] | null };

@Entity('failed_events')
export class FailedEventEntity implements StoredClaim {
  @PrimaryGeneratedColumn('increment', { name: 'id' })
  id!: number;

  @Column(text('dedupe_key'))
  dedupeKey!: string;

  @Column(nullable(text(EVENT_COLUMNS.claimId)))
  claimId!: string | null;

  @Column(nullable(text(EVENT_COLUMNS.campaignId)))
  campaignId!: string | null;

  @Column(nullable(text(EVENT_COLUMNS.userId)))
  userId!: string | null;

  @Column(nullable(integer(EVENT_COLUMNS.sequence)))
  sequence!: number | null;

  @Column(nullable(instant(EVENT_COLUMNS.claimedAt)))
  claimedAt!: number | null;

  @Column(nullable(integer(EVENT_COLUMNS.epoch)))
  epoch!: number | null;

  @Column(nullable(text(EVENT_COLUMNS.idempotencyDigest)))
  idempotencyDigest!: string | null;

  @Column(nullable(text('topic')))
  topic!: string | null;

  @Column(nullable(integer('log_partition')))
  partition!: number | null;

  @Column(nullable(integer('log_offset')))
  offset!: number | null;

  @Column({ name: 'message_key', type: 'blob', nullable: true, select: false })
  messageKey!: Buffer | null;

  @Column({ name: 'payload', type: 'blob', nullable: true, select: false })
  payload!: Buffer | null;

  @Column({ name: 'headers', type: 'blob', nullable: true, select: false })
  headers!: Buffer | null;

  /** 1 when payload or headers were longer than what is kept. */
  @Column(integer('truncated'))
  truncated!: number;

  /** 1 when the claim was set aside by the consumer and its event had a good signature. */
  @Column(nullable(integer('verified')))
  verified!: number | null;

  @Column(text('source'))
  source!: FailedEventSource;

  @Column(text('error_class'))
  errorClass!: string;

  @Column(text('error_code'))
  errorCode!: string;

  @Column(text('error_message'))
  errorMessage!: string;

  @Column(text('status'))
  status!: FailedEventStatus;

  @Column(integer('attempts'))
  attempts!: number;

  @Column(integer('max_attempts'))
  maxAttempts!: number;

  @Column(instant('next_attempt_at'))
  nextAttemptAt!: number;

  @Column(nullable(text('lease_owner')))
  leaseOwner!: string | null;

  @Column(nullable(instant('lease_until')))
  leaseUntil!: number | null;

  @Column(nullable(instant('released_at')))
  releasedAt!: number | null;

  @Column(nullable(text('resolved_by')))
  resolvedBy!: string | null;

  @Column(nullable(text('note')))
  note!: string | null;

  @Column(integer('version'))
  version!: number;

  @Column(instant('created_at'))
  createdAt!: number;

  @Column(instant('updated_at'))
  updatedAt!: number;
}
