import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { type ClaimBatchContext } from '../events/claim-batch.context.js';
import { decodeClaimEvent } from '../events/claim-event.js';
import { type LogRecord } from '../events/claim-log.js';
import { type QuarantinedRecord } from '../events/failed-event-store.js';
import { type ClaimReference, type GatePass, IssuanceGate } from '../gate/issuance-gate.js';
import { DatabaseError } from '../persistence/database-error.js';
import { Database } from '../persistence/database.js';
import { ClaimPersistence, type PersistedChunk, type Poison, type ReadableRecord } from './claim-persistence.js';
import { ConsumerMetrics } from './consumer.metrics.js';
import { failureClassOf } from './failure-class.js';

/** Claims of one transaction. */
const CHUNK = 500;
/** After so long without success the batch is given back; the transport pauses the partition and delivers again, ms. */
const GIVE_UP_MS = 10_000;
const MIN_WAIT_MS = 50;
const MAX_WAIT_MS = 2_000;
/** A unique key that is still taken after so many looks is not a race. */
const MAX_LOOKS = 3;

/**
 * Settles a batch of the log from its start: every record becomes a coupon, is known to have one, is stale, discarded or
 * quarantined. What is not settled when this returns is delivered again.
 */
@Injectable()
export class ClaimBatchConsumer {
  private readonly logger = new Logger(ClaimBatchConsumer.name);
  private outage = false;

  constructor(
    @Inject(ClaimPersistence) private readonly persistence: ClaimPersistence,
    @Inject(Database) private readonly database: Database,
    @Inject(IssuanceGate) private readonly gate: IssuanceGate,
    @Inject(ConsumerMetrics) private readonly metrics: ConsumerMetrics,
  ) {}

  /** Never rejects: an error would reach the transport as an ordinary value. */
  async consume(records: readonly LogRecord[], context: ClaimBatchContext): Promise<void> {
    for (let start = 0; start < records.length; start += CHUNK) {
      const chunk = records.slice(start, start + CHUNK);
      if (!(await this.settleChunk(chunk, context))) return;
      context.settle(start + chunk.length);
    }
  }

  /** False when the chunk has to be delivered again. */
  private async settleChunk(chunk: readonly LogRecord[], context: ClaimBatchContext): Promise<boolean> {
    const { readable, unreadable } = decode(chunk);
    const startedAt = performance.now();
    for (let attempt = 1; !context.revoked; attempt++) {
      try {
        await context.heartbeat();
        const persisted = await this.persistOrBisect(readable);
        const poison = [...unreadable, ...persisted.flatMap((part) => part.poison)];
        await this.quarantine(poison);
        await this.forgetPending(persisted, poison);
        this.report(persisted, poison);
        return true;
      } catch (error) {
        if (!this.mayTryAgain(error) || performance.now() - startedAt >= GIVE_UP_MS) return false;
        await rest(attempt, context);
      }
    }
    return false;
  }

  /** In one transaction if possible; otherwise in halves, until what is refused stands alone. */
  private async persistOrBisect(chunk: readonly ReadableRecord[]): Promise<PersistedChunk[]> {
    if (chunk.length === 0) return [];
    for (let look = 1; ; look++) {
      try {
        const end = this.metrics.persistDuration.startTimer();
        const persisted = await this.persistence.persist(chunk);
        end();
        return [persisted];
      } catch (error) {
        const failure = failureClassOf(error);
        if (failure === 'duplicate' && look < MAX_LOOKS) continue;
        if (failure === 'infrastructure' || failure === 'defect') throw error;
        return this.bisect(chunk, error as DatabaseError);
      }
    }
  }

  private async bisect(chunk: readonly ReadableRecord[], error: DatabaseError): Promise<PersistedChunk[]> {
    const [only] = chunk;
    if (only === undefined) return [];
    if (chunk.length > 1) {
      const middle = chunk.length >> 1;
      const first = await this.persistOrBisect(chunk.slice(0, middle));
      return [...first, ...(await this.persistOrBisect(chunk.slice(middle)))];
    }
    if (!(await this.persistence.acceptsCoupons(only.event.campaignId))) {
      // Not this row: nothing can be stored, whatever number the server gives (a changed password, a missing table).
      throw new DatabaseError('infrastructure', error.code, error.message, { cause: error });
    }
    const reason = `${error.code}: ${error.message}`;
    const poison: Poison = { record: only.record, event: only.event, code: 'refused-by-database', reason };
    return [{ pass: null, issued: [], duplicates: [], stale: [], discarded: [], poison: [poison] }];
  }

  private async quarantine(poison: readonly Poison[]): Promise<void> {
    if (poison.length === 0) return;
    const records = poison.map(toQuarantinedRecord);
    try {
      await this.store(records);
    } catch (error) {
      if (failureClassOf(error) !== 'suspect') throw error;
      await this.store(records, { withoutPayload: true });
    }
    for (const { event, record, code } of poison) {
      const { topic, partition, offset } = record;
      this.logger.warn({ message: 'quarantined', code, claimId: event?.claimId, topic, partition, offset });
    }
  }

  private store(records: readonly QuarantinedRecord[], options?: { withoutPayload: boolean }): Promise<void> {
    return this.database.transaction(async (unit) => {
      await unit.gate.lockShared();
      await unit.failedEvents.quarantine(records, options);
    });
  }

  /** Best effort: what stays pending is found again by the sweeper. */
  private async forgetPending(persisted: readonly PersistedChunk[], poison: readonly Poison[]): Promise<void> {
    const pass = persisted.find((part) => part.pass !== null)?.pass ?? null;
    if (pass === null) return;
    const claims: ClaimReference[] = persisted.flatMap(({ issued, duplicates }) => [...issued, ...duplicates]);
    claims.push(...poison.flatMap(({ event }) => (event === null ? [] : [event])));
    await this.clear(pass, claims);
  }

  private async clear(pass: GatePass, claims: readonly ClaimReference[]): Promise<void> {
    try {
      await this.gate.clearPending(pass, claims);
    } catch (error) {
      this.logger.debug(`pending claims were not cleared: ${(error as Error).message}`);
    }
  }

  private report(persisted: readonly PersistedChunk[], poison: readonly Poison[]): void {
    if (this.outage) this.logger.log('claims are persisted again');
    this.outage = false;
    for (const { issued, duplicates, stale, discarded } of persisted) {
      this.metrics.count('issued', issued.length);
      this.metrics.count('duplicate', duplicates.length);
      this.metrics.count('stale', stale.length);
      this.metrics.count('discarded', discarded.length);
      for (const { claimedAt } of issued) this.metrics.issued(claimedAt);
    }
    this.metrics.count('quarantined', poison.length);
  }

  private mayTryAgain(error: unknown): boolean {
    const failure = failureClassOf(error);
    if (failure === 'defect') {
      // Also a batch that was taken away: its heartbeat throws, and whoever has it now settles it.
      this.logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return false;
    }
    // One line for an outage, not one for each attempt.
    if (!this.outage) this.logger.warn(`claims cannot be persisted: ${(error as Error).message}`);
    this.outage = true;
    return true;
  }
}

function decode(chunk: readonly LogRecord[]): { readable: ReadableRecord[]; unreadable: Poison[] } {
  const readable: ReadableRecord[] = [];
  const unreadable: Poison[] = [];
  for (const record of chunk) {
    const decoded = decodeClaimEvent(record.value);
    if (decoded.kind === 'claim') readable.push({ record, event: decoded.event });
    else unreadable.push({ record, event: null, code: decoded.code, reason: decoded.reason });
  }
  return { readable, unreadable };
}

function toQuarantinedRecord({ record, event, code, reason }: Poison): QuarantinedRecord {
  return { record, claim: event, failure: { errorClass: 'poison', errorCode: code, errorMessage: reason } };
}

/** Full jitter, at most 2 s: shorter than a consumer may be silent. Ends early when the batch is taken away. */
async function rest(attempt: number, context: ClaimBatchContext): Promise<void> {
  const longest = Math.min(MAX_WAIT_MS, MIN_WAIT_MS * 2 ** attempt);
  const until = performance.now() + MIN_WAIT_MS + Math.random() * (longest - MIN_WAIT_MS);
  while (!context.revoked && performance.now() < until) {
    await delay(Math.min(MIN_WAIT_MS, Math.max(1, until - performance.now())));
  }
}
