import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant, integer, nullable, text } from './columns.js';

/** MOVING until every row is copied and compared; then MOVED. */
export type MoveState = 'MOVING' | 'MOVED';

/** The move of an embedded installation; in the file that it leaves, and in the database to which it goes. */
@Entity('moves')
export class MoveEntity {
  /** Always 1: the table has at most one row. */
  @PrimaryColumn(integer('id'))
  id!: number;

  /** The same in both places. */
  @Column(text('move_id'))
  moveId!: string;

  @Column(text('state'))
  state!: MoveState;

  /** The data directory. */
  @Column(text('source'))
  source!: string;

  /** Host, port and database; no password. */
  @Column(text('target'))
  target!: string;

  @Column(instant('started_at'))
  startedAt!: number;

  @Column(nullable(instant('finished_at')))
  finishedAt!: number | null;
}
