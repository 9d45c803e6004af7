import { DatabaseError } from '../../ports/database/database-error.js';

/** The code of what {@link DiskSync.settled} throws: the commit stands, and may be gone after a power cut. */
export const SYNC_FAILED = 'SQLITE_IOERR_FSYNC';

/**
 * Brings commits to the disk, off the event loop and many at a time: while one sync runs, the commits of the next one
 * gather. Syncing inside the commit would stop the process for the length of every sync, because the driver is
 * synchronous.
 */
export class DiskSync {
  /** Commits that have returned, and how many of them, in their order, are on the disk. */
  private committed = 0;
  private synced = 0;
  private running: Promise<void> | null = null;
  private failure: DatabaseError | null = null;

  /**
   * @param flush resolves when whatever was written before the call is on the disk.
   * @param onFailed is called once, with the reason, when it rejects.
   */
  constructor(
    private readonly flush: () => Promise<void>,
    private readonly onFailed: (reason: string) => void = () => undefined,
  ) {}

  /** A sync has failed; see {@link throwIfFailed}. */
  get failed(): boolean {
    return this.failure !== null;
  }

  /** A commit has returned: the process may die now, the machine may not yet. */
  noteCommit(): void {
    this.committed += 1;
  }

  /**
   * Resolves when every commit that had returned at the time of the call is on the disk.
   * @throws DatabaseError as {@link throwIfFailed}.
   */
  async settled(): Promise<void> {
    const target = this.committed;
    // mutant: early-promise
    while (this.synced < target) {
      this.throwIfFailed();
      // One that runs already may have begun before the last commit; then it takes another one.
      await (this.running ??= this.sync().finally(() => (this.running = null)));
    }
  }

  /**
   * @throws DatabaseError once a sync has failed, and from then on: the system may have dropped what it could not write,
   * and a later sync would succeed without it. What is on the disk is known again only after a new start.
   */
  throwIfFailed(): void {
    if (this.failure !== null) throw this.failure;
  }

  private async sync(): Promise<void> {
    const upTo = this.committed;
    try {
      await this.flush();
      this.synced = upTo;
    } catch (error) {
      const reason = `the disk could not be synced, so nothing can be promised: ${(error as Error).message}`;
      this.failure = new DatabaseError('infrastructure', SYNC_FAILED, reason, { cause: error });
      this.onFailed(reason);
    }
  }
}
