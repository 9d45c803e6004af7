import { type Clock } from '../../platform/flow/clock.js';
import { SharedRead } from '../../platform/flow/shared-read.js';
import { type Database } from './database.js';
import { type InstallationKey, type RotatedPurpose } from './installation-key-store.js';

/**
 * After this time, ms, a process asks the database for its keys again: a new key signs in every process that signs by
 * then, and a retired one verifies nowhere.
 */
export const KEYS_CACHED_MS = 5_000;

/**
 * The installation's keys with one purpose, as this process knows them. Signing and verifying ask memory only.
 *
 * A process signs with a key only after it has read it from the database. So a process that meets a key it does not know
 * learns it by {@link readAgain}, and only then may call it unknown.
 */
export class KeyRing {
  private keys: ReadonlyMap<string, InstallationKey> = new Map();
  private newest: InstallationKey | null = null;
  private readonly reads: SharedRead<void>;
  /** Reads that have begun, and the latest of them whose answer is known. */
  private begun = 0;
  private learned = 0;

  constructor(
    database: Pick<Database, 'readUrgently'>,
    purpose: RotatedPurpose,
    clock: Clock,
    maxAgeMs = KEYS_CACHED_MS,
  ) {
    this.reads = new SharedRead(
      async () => {
        const read = (this.begun += 1);
        this.learn(await database.readUrgently((unit) => unit.installationKeys.keysFor(purpose)), read);
      },
      maxAgeMs,
      clock,
    );
  }

  /** The key to sign with; null before the first successful {@link refresh}. */
  get signing(): InstallationKey | null {
    return this.newest;
  }

  /** The key with this id, if it is in use. */
  find(id: string): InstallationKey | undefined {
    return this.keys.get(id);
  }

  /** Reads the keys, unless they were read a moment ago. @throws DatabaseError; what was known stays known. */
  refresh(): Promise<void> {
    return this.reads.get();
  }

  /** {@link refresh} for a caller that does not wait: an older key is as good. */
  keepFresh(): void {
    this.reads.get().catch(() => undefined);
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
    this.newest = keys[0] ?? null;
  }
}
