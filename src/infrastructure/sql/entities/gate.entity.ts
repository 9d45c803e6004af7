import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant, integer, nullable, text } from './columns.js';

@Entity('gate')
export class GateEntity {
  /** Always 1: the table has one row. */
  @PrimaryColumn(integer('id'))
  id!: number;

  @Column(integer('epoch'))
  epoch!: number;

  @Column(nullable(text('script_sha')))
  scriptSha!: string | null;

  @Column(nullable(text('builder')))
  builder!: string | null;

  @Column(nullable(instant('lease_until')))
  leaseUntil!: number | null;

  @Column(nullable(text('installation_id')))
  installation!: string | null;

  /** The epoch that was open before `closedByEpoch` was begun; null when none was, or when that is not known. */
  @Column(nullable(integer('closed_epoch')))
  closedEpoch!: number | null;

  @Column(nullable(integer('closed_by_epoch')))
  closedByEpoch!: number | null;

  /** Since when an event on the log has to be signed; null while unsigned ones are accepted. */
  @Column(nullable(instant('signed_since')))
  signedSince!: number | null;
}

@Entity('gate_cuts')
export class GateCutEntity {
  @PrimaryColumn(integer('epoch'))
  epoch!: number;

  /** −1 marks that the cut was stored, so that a log without partitions still has one. */
  @PrimaryColumn(integer('log_partition'))
  partition!: number;

  @Column(integer('log_offset'))
  offset!: number;

  /** In the marker's row: which log the offsets are of. null where that was not known. */
  @Column(nullable(text('log_id')))
  logId!: string | null;
}
