import { join } from 'node:path';
import libsql from 'libsql';
import { DataSource } from 'typeorm';
import { SCHEMA } from '../sql/schema.js';

/** The file that holds everything: coupons, failed events, the gate row and the journal. */
export const SQLITE_FILE = 'coupon.sqlite';

/**
 * The file as TypeORM sees it. Nest makes and destroys this object. `SqliteConnection` opens the file and sends all
 * statements: one that is sent past it would join the transaction that is open.
 */
export class SqliteDataSource extends DataSource {
  /** Its name in Nest. Nest injects a data source of the default name by its type, together with an entity manager. */
  static readonly NAME = 'file';

  private lastWork: () => Promise<void> = () => Promise.resolve();

  /** @param directory where the file lies. */
  constructor(readonly directory: string) {
    super({
      type: 'better-sqlite3',
      driver: libsql,
      database: join(directory, SQLITE_FILE),
      // A second connection would only block the event loop while it waits: fail at once instead.
      timeout: 0,
      prepareDatabase: (database: { pragma(source: string): unknown }) => {
        database.pragma('locking_mode = EXCLUSIVE');
        database.pragma('journal_mode = WAL');
        // For the migrations: a commit has reached the disk when it returns.
        database.pragma('synchronous = FULL');
      },
      ...SCHEMA,
    });
  }

  /** @param work runs when the file is to be closed. The file is closed when it has ended. */
  beforeClosing(work: () => Promise<void>): void {
    this.lastWork = work;
  }

  override async destroy(): Promise<void> {
    await this.lastWork();
    await super.destroy();
  }
}
