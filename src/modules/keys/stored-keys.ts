import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { BatcherFullError, NaturalBatcher } from '../../platform/flow/natural-batcher.js';
import { Timers } from '../../platform/flow/timers.js';
import { type ApiKey } from '../../platform/identity/api-key.js';
import { ApiKeys } from '../../platform/identity/api-keys.js';
import { putNewest } from '../../platform/values/put-newest.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database } from '../../ports/database/database.js';

/** How long what the database said about a key is used, ms. A revoked key is refused everywhere after this time. */
const CACHED_MS = 5_000;
/** From this age on, a use of a key asks again in the background, ms. So no claim waits for the answer. */
const REFRESH_MS = 2_500;
/** How long a key is used while the database does not answer, ms. */
const KEPT_MS = 600_000;
/** After a question that the database did not answer, this long none is asked in the background, ms. */
const PAUSE_MS = 500;
/** How many keys are cached. */
const MAX_CACHED = 10_000;
/** How many ids that are no key are cached. Apart from the keys: callers that invent ids must not push a key out. */
const MAX_INVENTED = 1_000;
/** However many callers invent keys, so many reads of the database are under way for them. */
const QUESTIONS = { maxBatch: 500, maxWaiting: 5_000, maxInFlight: 2 };
/** How often the use of one key is written, ms. */
const USE_INTERVAL_MS = 60_000;

/** What the database said about an id, and when this process asked: monotonic, ms. */
interface Known {
  readonly key: ApiKey | null;
  readonly askedAt: number;
  /** When the database did not answer a later question: monotonic, ms. Undefined once a question begins long after that. */
  readonly unansweredAt?: number;
}

/**
 * API keys from the database, each cached for 5 s. While the database does not answer, a key that is known stays known
 * for ten minutes: claims go on then in every other respect.
 */
@Injectable()
export class StoredKeys extends ApiKeys {
  private readonly logger = new Logger(StoredKeys.name);
  /** The oldest come first. */
  private readonly known = new Map<string, Known>();
  private readonly invented = new Map<string, Known>();
  private readonly questions: NaturalBatcher<string, ApiKey | null>;
  private readonly asking = new Map<string, Promise<ApiKey | null>>();
  /** Id of a key → when this process wrote its last use: monotonic, ms. */
  private readonly usesWritten = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    timers: Timers,
  ) {
    super();
    this.questions = new NaturalBatcher((ids) => this.askDatabase(ids), QUESTIONS, clock, timers);
  }

  override async find(id: string): Promise<ApiKey | null> {
    const known = this.findInMemory(id);
    if (known !== undefined) return known;
    try {
      return await (this.asking.get(id) ?? this.ask(id));
    } catch (error) {
      const kept = this.findInMemory(id);
      if (kept === undefined) throw error;
      return kept;
    }
  }

  override findInMemory(id: string): ApiKey | null | undefined {
    const known = this.known.get(id) ?? this.invented.get(id);
    if (known === undefined) return undefined;
    const { key, askedAt, unansweredAt } = known;
    const now = this.clock.monotonic();
    const age = now - askedAt;
    // An id that is no key may be invented: each question about it is a caller's.
    const isPaused = unansweredAt !== undefined && now - unansweredAt < PAUSE_MS;
    if (key !== null && age >= REFRESH_MS && !isPaused && !this.asking.has(id)) {
      // A failure is noted in `known`.
      this.ask(id).catch(() => undefined);
    }
    if (age < CACHED_MS) return key;
    const isAway = this.known.get(id)?.unansweredAt !== undefined;
    return key !== null && isAway && age < KEPT_MS ? key : undefined;
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
    this.invented.delete(id);
    // A question that is under way may be answered with the key as it was.
    this.asking.delete(id);
  }

  private ask(id: string): Promise<ApiKey | null> {
    const asking: Promise<ApiKey | null> = this.question(id, () => this.asking.get(id) === asking).finally(() => {
      if (this.asking.get(id) === asking) this.asking.delete(id);
    });
    this.asking.set(id, asking);
    return asking;
  }

  /** @param isCurrent false when the key was changed since the question was asked. */
  private async question(id: string, isCurrent: () => boolean): Promise<ApiKey | null> {
    // From before the question: a key that is revoked during it must not be trusted for longer.
    const askedAt = this.clock.monotonic();
    this.forgetOldFailure(id, askedAt);
    try {
      const key = await this.questions.add(id);
      if (isCurrent()) this.learn(id, { key, askedAt });
      return key;
    } catch (error) {
      const known = this.known.get(id);
      if (known !== undefined) this.known.set(id, { ...known, unansweredAt: this.clock.monotonic() });
      if (!(error instanceof BatcherFullError)) throw error;
      throw new DatabaseError('infrastructure', 'BUSY', 'too many keys wait to be looked up', { cause: error });
    }
  }

  /** It says nothing about the database now. Only the question that begins can say whether the database is away. */
  private forgetOldFailure(id: string, now: number): void {
    const known = this.known.get(id);
    if (known?.unansweredAt === undefined) return;
    const { key, askedAt, unansweredAt } = known;
    // mutant: old-failure-trusted
    if (now - unansweredAt >= CACHED_MS) this.known.set(id, { key, askedAt });
  }

  private learn(id: string, known: Known): void {
    if (known.key === null) {
      this.known.delete(id);
      putNewest(this.invented, id, known, MAX_INVENTED);
    } else {
      this.invented.delete(id);
      putNewest(this.known, id, known, MAX_CACHED);
    }
  }

  private async askDatabase(ids: readonly string[]): Promise<(ApiKey | null)[]> {
    const found = await this.database.read((unit) => unit.apiKeys.findMany(ids));
    const keys = new Map(found.map((key) => [key.id, key]));
    return ids.map((id) => keys.get(id) ?? null);
  }
}
