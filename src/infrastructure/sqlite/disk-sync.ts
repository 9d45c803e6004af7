import { DatabaseError } from '../../ports/database/database-error.js';

/** The code of the error of {@link DiskSync.waitUntilSynced}: the commit stands, but a power cut may take it back. */
export const SYNC_FAILED = 'SQLITE_IOERR_FSYNC';

/**
 * Brings commits to the disk, off the event loop and many at a time. While one sync runs, the commits of the next one
 * gather. The driver is synchronous: a sync inside the commit would stop the process for its whole length.
 */
export class DiskSync {
  /** Commits that have returned, and how many of them, in their order, are on the disk. */
  private committed = 0;
  private synced = 0;
  private running: Promise<void> | null = null;
  private failure: DatabaseError | null = null;

  /**
   * @param flush resolves when all that was written before the call is on the disk.
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

  /** Call this when a commit has returned. The commit now survives the end of the process, but no power cut yet. */
  noteCommit(): void {
    this.committed += 1;
  }

  /**
   * Resolves when every commit that had returned at the time of the call is on the disk.
   * @throws DatabaseError as {@link throwIfFailed}.
   */
  async waitUntilSynced(): Promise<void> {
    const target = this.committed;
    // mutant: early-promise
    while (this.synced < target) {
      this.throwIfFailed();
      // A sync that runs already may have begun before the last commit. Then the loop waits for another one.
      await (this.running ??= this.sync().finally(() => (this.running = null)));
    }
  }

  /**
   * @throws DatabaseError from the first failed sync on. The system may have dropped what it could not write, and a
   * later sync would succeed without it. Only a new start finds out what is on the disk.
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
