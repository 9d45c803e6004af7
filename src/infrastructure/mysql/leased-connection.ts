import { type PoolConnection } from 'mysql2';
import { type QueryRunner } from 'typeorm';
import { DatabaseError } from '../../ports/database/database-error.js';
import { classifyDatabaseError, classifyRefusedCommit } from '../sql/classify-database-error.js';

const CALL_TIMEOUT = 'CALL_TIMEOUT';

/**
 * A connection of the pool that one unit of work holds, with a deadline for every statement.
 *
 * A statement that misses its deadline costs the connection. A ROLLBACK on a server that does not answer would take as
 * long as the statement itself. A connection that goes back into the pool with an open transaction would do its next
 * user's work inside of it.
 */
export class LeasedConnection {
  private readonly statement: (...call: unknown[]) => Promise<unknown>;
  private budgetMs: number;
  private inTransaction = false;
  /** Why no further statement may run. */
  private ended: DatabaseError | null = null;
  private rejectUnderWay: (error: DatabaseError) => void = () => undefined;
  private readonly underWay: Promise<never>;

  /** @param firstMs what is left of the caller's patience after the wait for the connection. */
  constructor(
    readonly runner: QueryRunner,
    readonly connection: PoolConnection,
    private callMs: number,
    firstMs: number,
  ) {
    this.budgetMs = firstMs;
    // The runner's own method is replaced: repositories and migrations use it directly, and their statements need the
    // deadline, too.
    this.statement = runner.query.bind(runner) as typeof this.statement;
    runner.query = ((...call: unknown[]) => this.query(...call)) as QueryRunner['query'];
    this.underWay = new Promise<never>((_resolve, reject) => (this.rejectUnderWay = reject));
    // It may reject while no statement waits for it.
    this.underWay.catch(() => undefined);
  }

  /** What is left of the caller's patience for the next statement, ms. */
  allowFirst(ms: number): void {
    this.budgetMs = ms;
  }

  /** For statements that are known to take long. */
  allow(callMs: number): void {
    this.callMs = this.budgetMs = callMs;
  }

  /** Runs `work` between `begin` and COMMIT, and undoes it when it rejects. */
  async transaction<T>(begin: readonly string[], work: () => Promise<T>): Promise<T> {
    let result: T;
    try {
      for (const statement of begin) await this.runner.query(statement);
      this.inTransaction = true;
      result = await work();
      // `work` may have swallowed the error that ended the transaction. Nothing that it did after that is stored.
      if (this.ended !== null) throw this.ended;
    } catch (error) {
      await this.rollback();
      throw error;
    }
    try {
      await this.runner.query('COMMIT');
    } catch (error) {
      // It may be committed or not. The connection must not go on in either case.
      this.giveUp();
      throw classifyRefusedCommit(error);
    }
    this.inTransaction = false;
    return result;
  }

  /** One round trip; rejects when the server is not there any more. */
  ping(): Promise<void> {
    return this.within(() => this.connection.promise().ping());
  }

  /** Ends the connection at once, also while a statement is under way on it. */
  giveUp(error = new DatabaseError('infrastructure', 'CONNECTION_GIVEN_UP', 'the connection was given up')): void {
    this.ended = error;
    this.rejectUnderWay(error);
    destroyConnection(this.connection);
  }

  /** Back to the pool, unless it was given up. */
  async release(): Promise<void> {
    await this.runner.release();
  }

  private async query(...call: unknown[]): Promise<unknown> {
    if (this.ended !== null) throw this.ended;
    try {
      return await this.within(() => this.statement(...call));
    } catch (error) {
      // The error is classified here and not only at the edge: work that goes on after a refusal has to know what was
      // refused.
      const classified = classifyDatabaseError(error);
      // The server has rolled back a deadlock's victim. It would commit the next statements one by one: half a unit of
      // work. So no statement follows an error of this kind, even where the server would still take it.
      if (this.inTransaction && classified instanceof DatabaseError && classified.kind === 'infrastructure') {
        this.ended ??= classified;
      }
      throw classified;
    }
  }

  private async rollback(): Promise<void> {
    this.inTransaction = false;
    if (this.ended !== null && isGivenUp(this.connection)) return;
    try {
      await this.within(() => this.statement('ROLLBACK'));
    } catch {
      // The server undoes what a connection leaves behind.
      this.giveUp();
    }
  }

  private async within<T>(call: () => Promise<T>): Promise<T> {
    const ms = Math.max(0, this.budgetMs);
    this.budgetMs = this.callMs;
    try {
      return await withDeadline(ms, Promise.race([call(), this.underWay]), CALL_TIMEOUT, 'the database did not answer');
    } catch (error) {
      if (error instanceof DatabaseError && error.code === CALL_TIMEOUT) this.giveUp(error);
      throw error;
    }
  }
}

/** mysql2's own `destroy` says goodbye and waits for the answer. It would leave a socket to a frozen server open. */
export function destroyConnection(connection: PoolConnection): void {
  connection.destroy();
  socketOf(connection).destroy();
}

function isGivenUp(connection: PoolConnection): boolean {
  return socketOf(connection).destroyed;
}

export function socketOf(connection: PoolConnection): { readonly destroyed: boolean; destroy(): void } {
  return (connection as unknown as { stream: { readonly destroyed: boolean; destroy(): void } }).stream;
}

/**
 * @throws DatabaseError of kind `infrastructure` with this code when the work takes longer. The work goes on, and its
 * result is ignored.
 */
export async function withDeadline<T>(ms: number, work: Promise<T>, code: string, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new DatabaseError('infrastructure', code, `${message} within ${Math.round(ms)} ms`)),
      ms,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
