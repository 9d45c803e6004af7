import { DatabaseError } from '../../ports/database/database-error.js';

/** How often a unit of work is looked at while others wait for it, ms. */
const LOOK_MS = 100;
/**
 * After this many looks without a statement, a unit of work counts as stuck, and those that wait for it are refused.
 * SQLite answers within the call, so a healthy one is never idle. One that awaits another one would be idle without
 * end. Looks are counted, not milliseconds: a process that is not scheduled for a second does not look either.
 */
const IDLE_LOOKS = 10;

interface Waiter {
  readonly enter: () => void;
  readonly refuse: (error: Error) => void;
}

/** Lets one unit of work in at a time, in the order of the calls. Refuses those that wait behind one that is stuck. */
export class WatchedMutex {
  private readonly waiters: Waiter[] = [];
  private busy = false;
  private closed = false;
  /** Looks since the unit of work that was let in last gave a sign of life. */
  private idleLooks = 0;
  private watchdog: NodeJS.Timeout | undefined;

  /** @throws DatabaseError after {@link close} or behind one that is stuck, or what `work` throws. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.closed) throw new DatabaseError('infrastructure', 'SQLITE_CLOSED', 'the database file is closed');
    if (this.busy) await this.turn();
    this.busy = true;
    this.noteActivity();
    try {
      return await work();
    } finally {
      const next = this.waiters.shift();
      if (next === undefined) this.busy = false;
      else next.enter();
    }
  }

  /** The unit of work that was let in has sent a statement. */
  noteActivity(): void {
    this.idleLooks = 0;
  }

  /** The last turn of all: calls before it have had theirs, later calls are refused. */
  close(work: () => Promise<void>): Promise<void> {
    const last = this.alone(() => {
      clearTimeout(this.watchdog);
      return work();
    });
    this.closed = true;
    return last;
  }

  private turn(): Promise<void> {
    if (this.watchdog === undefined) {
      this.idleLooks = 0;
      this.watchdog = setTimeout(() => this.look(), LOOK_MS);
    }
    return new Promise((enter, refuse) => {
      this.waiters.push({ enter, refuse });
    });
  }

  private look(): void {
    this.watchdog = undefined;
    this.idleLooks += 1;
    if (this.idleLooks >= IDLE_LOOKS) {
      const error = new DatabaseError(
        'infrastructure',
        'SQLITE_STALLED',
        `a unit of work has held the database for at least ${IDLE_LOOKS * LOOK_MS} ms without a statement: it is stuck, ` +
          'or waits for a unit of work that it started itself',
      );
      for (const { refuse } of this.waiters.splice(0)) refuse(error);
    } else if (this.waiters.length > 0) {
      this.watchdog = setTimeout(() => this.look(), LOOK_MS);
    }
  }
}
