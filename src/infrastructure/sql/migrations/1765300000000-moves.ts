import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { identifier } from './column-types.js';

/** Marks a database that an embedded installation leaves, or to which it goes. */
export class Moves1765300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const dialect = dialectOf(runner.connection);
    const sqlite = dialect.name === 'sqlite';
    const integer = sqlite ? 'INTEGER' : 'BIGINT';
    const address = sqlite ? 'TEXT' : 'VARCHAR(1000) CHARACTER SET utf8mb4';
    const columns = [
      `id ${integer} NOT NULL PRIMARY KEY`,
      `move_id ${identifier(dialect, 36)} NOT NULL`,
      `state ${identifier(dialect, 16)} NOT NULL`,
      `source ${address} NOT NULL`,
      `target ${address} NOT NULL`,
      `started_at ${integer} NOT NULL`,
      `finished_at ${integer}`,
    ];
    await runner.query(`CREATE TABLE IF NOT EXISTS moves (${columns.join(', ')})${sqlite ? '' : ' ENGINE=InnoDB'}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE moves');
  }
}
