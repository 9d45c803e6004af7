import { QueryFailedError } from 'typeorm';
import { DatabaseError, type DatabaseErrorKind } from '../../ports/database/database-error.js';

/**
 * MySQL and MariaDB numbers that say something about the server or the moment, never about the row: no more
 * connections, deadlock, lock wait, disk full, read-only, shutdown, killed, lost connection. 1020 is MariaDB's "record
 * has changed" under a snapshot, which is a deadlock by another name. From 1026 on, the binary log, a thread or the
 * replication has failed. From 1036 on, an administrator has changed something and will change it back: access, the
 * database, a table that is not there for now.
 */
const MYSQL_INFRASTRUCTURE = new Set([
  1020, 1021, 1040, 1053, 1114, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1290, 1317, 1792, 1836, 1927, 1969, 2006,
  2013, 3024, 4031, 1026, 1047, 1135, 1180, 1598, 3100, 3101, 1036, 1044, 1045, 1049, 1129, 1130, 1142, 1143, 1146,
  1226, 1698, 1812, 1820, 1862,
]);
/** NULL where none may be, out of range, wrong text, too long, no such parent row. */
const MYSQL_DATA = new Set([1048, 1264, 1366, 1406, 1452]);
const MYSQL_DUPLICATE = 1062;

const SQLITE_DUPLICATE = new Set(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY']);
const SQLITE_DATA = new Set([
  'SQLITE_CONSTRAINT_NOTNULL',
  'SQLITE_CONSTRAINT_FOREIGNKEY',
  'SQLITE_CONSTRAINT_DATATYPE',
  'SQLITE_MISMATCH',
  'SQLITE_TOOBIG',
]);
const SQLITE_INFRASTRUCTURE =
  /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|NOMEM|INTERRUPT|PROTOCOL|CORRUPT|NOTADB|PERM|AUTH)/;

const NETWORK = /^(ECONN|ETIMEDOUT|EPIPE|EAI_AGAIN|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|PROTOCOL_|POOL_)/;

interface DriverError {
  code?: string;
  errno?: number;
  fatal?: boolean;
  message?: string;
}

/**
 * The one place that knows what a product's error means. A CHECK violation (`issued <= total`) is `unknown` on purpose:
 * the consumer finds out by trying whether the row or the counter is wrong.
 */
export function classifyDatabaseError(error: unknown): unknown {
  if (error instanceof DatabaseError) return error;
  const driverError: DriverError | null =
    error instanceof QueryFailedError
      ? ((error.driverError as DriverError | undefined) ?? {})
      : isDriverError(error)
        ? error
        : null;
  if (driverError === null) return error;
  const code = driverError.code ?? (driverError.errno === undefined ? 'UNKNOWN' : String(driverError.errno));
  return new DatabaseError(kindOf(driverError, code), code, driverError.message ?? code, { cause: error });
}

/**
 * What a refused COMMIT means. The server has accepted each row before, so no row is to blame. The same work may
 * succeed later, whatever the number of the error.
 */
export function classifyRefusedCommit(error: unknown): unknown {
  const classified = classifyDatabaseError(error);
  if (!(classified instanceof DatabaseError) || classified.kind === 'infrastructure') return classified;
  return new DatabaseError('infrastructure', classified.code, classified.message, { cause: classified.cause });
}

function kindOf({ errno, fatal }: DriverError, code: string): DatabaseErrorKind {
  if (code.startsWith('SQLITE_')) {
    if (SQLITE_DUPLICATE.has(code)) return 'duplicate';
    if (SQLITE_DATA.has(code)) return 'data';
    return SQLITE_INFRASTRUCTURE.test(code) ? 'infrastructure' : 'unknown';
  }
  if (fatal === true || NETWORK.test(code)) return 'infrastructure';
  if (errno === undefined) return 'unknown';
  if (errno === MYSQL_DUPLICATE) return 'duplicate';
  if (MYSQL_DATA.has(errno)) return 'data';
  return MYSQL_INFRASTRUCTURE.has(errno) ? 'infrastructure' : 'unknown';
}

function isDriverError(error: unknown): error is DriverError {
  if (!(error instanceof Error)) return false;
  const { code } = error as DriverError;
  return typeof code === 'string' && (code.startsWith('SQLITE_') || code.startsWith('ER_') || NETWORK.test(code));
}
