import { Logger } from '@nestjs/common';
import { systemClock } from '../../platform/flow/clock.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { type DatabaseError } from '../../ports/database/database-error.js';

/** Waits after the first, second … connection that failed, ms. The watch reads every 500 ms, so none is longer. */
const BACK_OFF_MS = [0, 50, 100, 200, 400];

/** The server has all the connections that it takes. Those that this process has are as good as before. */
const CROWDED = new Set(['ER_CON_COUNT_ERROR', 'ER_TOO_MANY_USER_CONNECTIONS', 'ER_USER_LIMIT_REACHED']);

/**
 * Logs one line when new connections fail, and one when they succeed again. Between two attempts it refuses every call
 * that needs one at once. So a server that comes back meets no stampede, and one that refuses a password does not block
 * this host for asking too often.
 */
export class MysqlOutage {
  private readonly outage = new OutageLog(new Logger('Database'), systemClock);
  private misses = 0;
  private retryAt = 0;
  private last: DatabaseError | null = null;

  /** @throws DatabaseError of the last attempt, while it is too early for another one. */
  throwIfTooEarly(): void {
    if (this.last !== null && performance.now() < this.retryAt) throw this.last;
  }

  missed(error: DatabaseError): void {
    this.outage.failed(`no connection to the database: ${error.code}: ${error.message}`);
    if (CROWDED.has(error.code)) return;
    const longest = BACK_OFF_MS[Math.min(this.misses++, BACK_OFF_MS.length - 1)] ?? 0;
    // A random part, so that processes that lost the server together do not come back together.
    this.retryAt = performance.now() + longest * (0.5 + Math.random() / 2);
    this.last = error;
  }

  /** A connection was used with success. */
  reached(): void {
    this.misses = 0;
    this.last = null;
    this.outage.recovered('connected to the database again');
  }
}
