import { type Clock, type Instant } from '../../platform/flow/clock.js';
import { SharedRead } from '../../platform/flow/shared-read.js';
import { type Database } from './database.js';
import { type InstallationKey, type RotatedPurpose } from './installation-key-store.js';

/**
 * After this time, ms, a process asks the database for its keys again: a new key signs in every process that signs by
 * then, and a retired one verifies nowhere.
 */
export const KEYS_CACHED_MS = 5_000;
/**
 * A process signs without asking the database for this time after it has asked, ms. In a process that runs, a task asks
 * more often than that. One that was suspended asks before it signs again: its key may be retired.
 */
const UNASKED_MS = 3 * KEYS_CACHED_MS;

/**
 * The installation's keys with one purpose, as this process knows them. Signing and verifying ask memory only.
 *
 * A process signs with a key only after it has read it from the database. So a process that meets a key it does not know
 * learns it by {@link readAgain}, and only then may call it unknown.
 */
export class KeyRing {
  private keys: ReadonlyMap<string, InstallationKey> = new Map();
  private latest: InstallationKey | null = null;
  /** When the read began that the database has answered last, or the last attempt failed. */
  private askedAt: Instant | null = null;
  private readonly reads: SharedRead<void>;
  /** Reads that have begun, and the latest of them whose answer is known. */
  private begun = 0;
  private learned = 0;

  constructor(
    database: Pick<Database, 'readUrgently'>,
    purpose: RotatedPurpose,
    private readonly clock: Clock,
    maxAgeMs = KEYS_CACHED_MS,
  ) {
    this.reads = new SharedRead(
      async () => {
        const read = (this.begun += 1);
        const at = clock.now();
        try {
          this.learn(await database.readUrgently((unit) => unit.installationKeys.keysFor(purpose)), read);
          this.askedAt = at;
        } catch (error) {
          this.askedAt = clock.now();
          throw error;
        }
      },
      maxAgeMs,
      clock,
    );
  }

  /** The key to sign with; null until the database was asked again, which {@link readAgain} does. */
  get signing(): InstallationKey | null {
    // mutant: a-key-signs-for-ever
    return this.askedAt !== null && this.clock.elapsedMs(this.askedAt) <= UNASKED_MS ? this.latest : null;
  }

  /** The newest key that this process knows, however old that knowledge is; null before the first successful read. */
  get newest(): InstallationKey | null {
    return this.latest;
  }

  /** The key with this id, if it is in use. */
  find(id: string): InstallationKey | undefined {
    return this.keys.get(id);
  }

  /** Reads the keys, unless they were read a moment ago. @throws DatabaseError; what was known stays known. */
  refresh(): Promise<void> {
    return this.reads.get();
  }

  /** Reads the keys by a read that starts now. @throws DatabaseError */
  readAgain(): Promise<void> {
    this.reads.forget();
    return this.reads.get();
  }

  /** Nothing from a read that began before one that was faster: a key that is retired would come back. */
  private learn(keys: readonly InstallationKey[], read: number): void {
    if (read < this.learned) return;
    this.learned = read;
    this.keys = new Map(keys.map((key) => [key.id, key]));
    this.latest = keys[0] ?? null;
  }
}
