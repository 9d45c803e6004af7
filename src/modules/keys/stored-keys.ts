import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { type ApiKey } from '../../platform/identity/api-key.js';
import { ApiKeys } from '../../platform/identity/api-keys.js';
import { putNewest } from '../../platform/values/put-newest.js';
import { Database } from '../../ports/database/database.js';

/** How long what the database said about a key is used, ms. A revoked key is refused everywhere after this time. */
const CACHED_MS = 5_000;
/** How many ids are cached, those of callers that invent ids included. */
const MAX_CACHED = 10_000;
/** How often the use of one key is written, ms. */
const USE_INTERVAL_MS = 60_000;

/** What the database said about an id, and when this process asked: monotonic, ms. */
interface Known {
  readonly key: ApiKey | null;
  readonly askedAt: number;
}

/** API keys from the database, each cached for 5 s. */
@Injectable()
export class StoredKeys extends ApiKeys {
  private readonly logger = new Logger(StoredKeys.name);
  /** The oldest come first. */
  private readonly known = new Map<string, Known>();
  private readonly asking = new Map<string, Promise<ApiKey | null>>();
  /** Id of a key → when this process wrote its last use: monotonic, ms. */
  private readonly usesWritten = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    super();
  }

  override async find(id: string): Promise<ApiKey | null> {
    const known = this.findInMemory(id);
    if (known !== undefined) return known;
    const asking = this.asking.get(id) ?? this.ask(id);
    this.asking.set(id, asking);
    return asking;
  }

  override findInMemory(id: string): ApiKey | null | undefined {
    const known = this.known.get(id);
    return known !== undefined && this.clock.monotonic() - known.askedAt < CACHED_MS ? known.key : undefined;
  }

  override noteUse({ id }: ApiKey): void {
    const now = this.clock.monotonic();
    const writtenAt = this.usesWritten.get(id);
    if (writtenAt !== undefined && now - writtenAt < USE_INTERVAL_MS) return;
    this.usesWritten.set(id, now);
    this.database
      .transaction((unit) => unit.apiKeys.noteUse(id))
      .catch((error: unknown) => this.logger.debug(`the use of key ${id} was not noted: ${String(error)}`));
  }

  /** Forgets what is cached about a key that this process has changed. */
  forget(id: string): void {
    this.known.delete(id);
  }

  private async ask(id: string): Promise<ApiKey | null> {
    // From before the question: a key that is revoked during it must not be trusted for longer.
    const askedAt = this.clock.monotonic();
    try {
      const key = await this.database.read((unit) => unit.apiKeys.find(id));
      putNewest(this.known, id, { key, askedAt }, MAX_CACHED);
      return key;
    } finally {
      this.asking.delete(id);
    }
  }
}
