import { type RowDataPacket } from 'mysql2';
import { systemTimers } from '../../platform/flow/timers.js';
import { type GateEpoch } from '../../ports/database/gate-row-store.js';
import { epochOf, type RawGateEpoch, READ_EPOCH } from '../sql/stores/sql-gate-row-store.js';
import { type LeasedConnection } from './leased-connection.js';
import { type MysqlPool } from './mysql-pool.js';

/** How long the connection that is kept may take to answer before a new one is asked as well, ms. */
const SECOND_ASK_MS = 200;

/**
 * Reads the open epoch by a prepared statement on a connection of its own. In a drop the watch reads some hundred times
 * a second, and through the ORM each read costs three times as much.
 *
 * A read fails only when a new connection has failed. The kept one may be dead without a fault of the server: the
 * server ends the session of a host that sleeps. If that host's clocks slept too, a 202 would follow from what was read
 * before the sleep.
 */
export class EpochConnection {
  private kept: LeasedConnection | null = null;
  /** Shared by the reads that wait for it: a frozen server must not collect connections. */
  private connecting: Promise<LeasedConnection> | null = null;

  constructor(private readonly pool: MysqlPool) {}

  /** @throws DatabaseError, or the driver's error of the new connection. */
  read(): Promise<GateEpoch> {
    const { kept } = this;
    if (kept === null) return this.readAnew();
    return new Promise((resolve, reject) => {
      let askedAgain = false;
      const askAgain = (): void => {
        if (askedAgain) return;
        askedAgain = true;
        this.readAnew().then(resolve, reject);
      };
      const slow = systemTimers.after(SECOND_ASK_MS, askAgain);
      ask(kept).then(
        (epoch) => {
          systemTimers.cancel(slow);
          resolve(epoch);
        },
        () => {
          systemTimers.cancel(slow);
          // mutant: dead-connection
          askAgain();
        },
      );
    });
  }

  private async readAnew(): Promise<GateEpoch> {
    this.connecting ??= this.connect().finally(() => {
      this.connecting = null;
    });
    return ask(await this.connecting);
  }

  private async connect(): Promise<LeasedConnection> {
    const made = await this.pool.leaseNew();
    this.kept?.giveUp();
    this.kept = made;
    return made;
  }
}

function ask({ connection }: LeasedConnection): Promise<GateEpoch> {
  return new Promise((resolve, reject) => {
    connection.execute(READ_EPOCH, (error: Error | null, rows: RowDataPacket[]) => {
      if (error !== null) return reject(error);
      try {
        resolve(epochOf(rows[0] as RawGateEpoch | undefined));
      } catch (missing) {
        reject(missing as Error);
      }
    });
  });
}
