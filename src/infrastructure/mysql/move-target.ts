import { StartupError } from '../../platform/config/startup-error.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { type MoveEnd } from '../sql/move/move-end.js';
import { SqlSession } from '../sql/sql-session.js';
import { type LeasedConnection } from './leased-connection.js';
import { assertMigrated, assertVersion, migrateOn } from './mysql-migrator.js';
import { MysqlPool } from './mysql-pool.js';
import { addressOf, type MysqlSettings } from './mysql-settings.js';

/** One statement of a move, ms: the server may be slow, and no caller waits. */
const CALL_MS = 120_000;
/** The connection that holds the move's lock is silent while the source is read, s. */
const SILENCE_S = 3_600;

/**
 * Runs `work` on the database to which an installation moves. One connection does all of it, and holds a lock: of two
 * moves to one database the second is refused.
 *
 * @param migrate false where a deployment migrates by itself.
 * @throws StartupError with one line for the operator, or what `work` throws.
 */
export async function withMoveTarget<T>(
  settings: MysqlSettings,
  migrate: boolean,
  work: (target: MoveEnd) => Promise<T>,
): Promise<T> {
  const { host, port, database } = addressOf(settings);
  const address = `mysql://${host}:${port}/${database}`;
  try {
    const pool = await MysqlPool.connect({ ...settings, callMs: CALL_MS, waitTimeoutS: SILENCE_S }, 2);
    try {
      assertVersion(await pool.askVersion());
      if (migrate) await migrateOn(pool);
      else await assertMigrated(pool);
      return await pool.leased(async (lease) => {
        await lock(lease, address);
        return work({
          address,
          dataSource: pool.source,
          run: (use) => use(new SqlSession(lease.runner)),
          transaction: (use) => lease.transaction(['START TRANSACTION'], () => use(new SqlSession(lease.runner))),
        });
      });
    } finally {
      await pool.close();
    }
  } catch (error) {
    if (error instanceof StartupError) throw error;
    const { message } = error as Error;
    const code = error instanceof DatabaseError ? `${error.code}: ` : '';
    throw new StartupError(`${address}: ${code}${message}; a move that has begun goes on when it is repeated`, {
      cause: error,
    });
  }
}

async function lock({ runner }: LeasedConnection, address: string): Promise<void> {
  const [row] = (await runner.query("SELECT GET_LOCK(CONCAT('coupon.move.', MD5(DATABASE())), 0) AS locked")) as {
    locked: number | string | null;
  }[];
  if (Number(row?.locked) !== 1) throw new StartupError(`${address}: another move is writing to it`);
}
