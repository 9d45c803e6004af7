import { type EntityManager, type ObjectLiteral, type QueryRunner, type Repository } from 'typeorm';
import { type Raw, selected } from './claim-columns.js';
import { dialectOf, type SqlDialect } from './sql-dialect.js';

/** Statements of one unit of work, on the one connection that the unit of work holds. */
export class SqlSession {
  readonly dialect: SqlDialect;

  constructor(private readonly runner: QueryRunner) {
    this.dialect = dialectOf(runner.connection);
  }

  get manager(): EntityManager {
    return this.runner.manager;
  }

  repository<T extends ObjectLiteral>(entity: new () => T): Repository<T> {
    return this.manager.getRepository(entity);
  }

  /** Rows, with the columns named as in the statement. */
  async select<T>(sql: string, parameters: unknown[] = []): Promise<T[]> {
    return (await this.runner.query(sql, parameters)) as T[];
  }

  /**
   * Many rows of a table, with a field for each column; no BLOBs. SQLite gives them as one text: libsql hands a row over
   * cell by cell, which takes more than twice as long as its JSON.
   *
   * @param from the statement from FROM on.
   * @param rowOf a row of its cells, in the order of the columns. Written out, it takes a third of the time.
   */
  async selectMany<Row>(
    columns: Readonly<Record<keyof Row & string, string>>,
    from: string,
    parameters: unknown[] = [],
    rowOf?: (cells: readonly unknown[]) => Raw<Row>,
  ): Promise<Raw<Row>[]> {
    if (this.dialect.name !== 'sqlite') {
      return this.select<Raw<Row>>(`SELECT ${selected(columns)} ${from}`, parameters);
    }
    const fields = Object.keys(columns);
    const [page] = await this.select<{ page: string }>(
      `SELECT json_group_array(json_array(${fields.join(', ')})) AS page FROM (SELECT ${selected(columns)} ${from})`,
      parameters,
    );
    const rows = JSON.parse(page?.page ?? '[]') as unknown[][];
    if (rowOf !== undefined) return rows.map(rowOf);
    return rows.map((cells) => {
      const row: Record<string, unknown> = {};
      for (const [index, field] of fields.entries()) row[field] = cells[index];
      return row as Raw<Row>;
    });
  }

  /** How many rows the statement changed. */
  async execute(sql: string, parameters: unknown[] = []): Promise<number> {
    const result = await this.runner.query(sql, parameters, true);
    return result.affected ?? 0;
  }

  /** Keeps all of `work` or nothing of it. The unit of work around it can go on in both cases. */
  async allOrNothing(work: () => Promise<void>): Promise<void> {
    await this.runner.query('SAVEPOINT all_or_nothing');
    try {
      await work();
    } catch (error) {
      // A deadlock has ended the whole transaction, and the savepoint with it. This statement fails then, and only the
      // first error counts.
      await this.runner.query('ROLLBACK TO SAVEPOINT all_or_nothing').catch(() => undefined);
      throw error;
    }
    await this.runner.query('RELEASE SAVEPOINT all_or_nothing');
  }

  async now(): Promise<number> {
    const [row] = await this.select<{ now: number | string }>(`SELECT ${this.dialect.now} AS now`);
    return Number(row?.now);
  }
}
