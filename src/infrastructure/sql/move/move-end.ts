import { type DataSource } from 'typeorm';
import { type SqlSession } from '../sql-session.js';

/** One of the two databases of a move. No other process uses it. */
export interface MoveEnd {
  /** What the operator knows it by; without a password. */
  readonly address: string;
  readonly dataSource: DataSource;
  /** Each statement is committed by itself. */
  run<T>(work: (sql: SqlSession) => Promise<T>): Promise<T>;
  transaction<T>(work: (sql: SqlSession) => Promise<T>): Promise<T>;
}
