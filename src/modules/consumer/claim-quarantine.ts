import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { type DatabaseError } from '../../ports/database/database-error.js';
import { type QuarantinedRecord } from '../../ports/database/failed-event-store.js';
import { BatchAbandoned, type ClaimBatch } from './claim-batch.js';
import { ClaimPersistence } from './claim-persistence.js';
import { ConsumerMetrics } from './consumer.metrics.js';
import { failureClassOf } from './failure-class.js';
import { type Poison } from './poison.js';
import { QuarantineLog } from './quarantine-log.js';

/**
 * Rows that this process stores within an hour of messages which somebody else may have written and which hold no claim.
 * Further ones are only counted: whoever writes to the topic must not be able to fill the database's disk. Batches that a
 * disk has damaged have as many of their own: they may hold promised claims, and a forger must not hide them.
 */
const MAX_STRANGERS = 1_000;
const STRANGERS_MS = 3_600_000;

/** Stores poison in `failed_events`, so that the batch can go on. */
@Injectable()
export class ClaimQuarantine {
  /** Rows of strangers' messages and of unreadable batches since `strangersSince`: monotonic, ms. */
  private stored = { strange: 0, unreadable: 0 };
  private strangersSince = -Infinity;

  constructor(
    private readonly persistence: ClaimPersistence,
    private readonly metrics: ConsumerMetrics,
    private readonly clock: Clock,
    private readonly log: QuarantineLog,
  ) {}

  /**
   * Returns when all of it is stored. Until then the partition waits.
   * @throws BatchAbandoned
   */
  async storeAll(poison: readonly Poison[], batch: ClaimBatch): Promise<void> {
    // Two deliveries of one claim are one failed attempt.
    const once = new Map(poison.map((one) => [one.event?.claimId ?? one, one]));
    let waiting = this.withinLimit([...once.values()]);
    let width = waiting.length;
    while (waiting.length > 0) {
      if (batch.lost) throw new BatchAbandoned();
      const part = waiting.slice(0, width);
      try {
        await this.store(part, batch);
        waiting = waiting.slice(width);
      } catch (error) {
        // The database refuses one of them. Store each alone, so that the others keep their payload.
        if (failureClassOf(error) === 'suspect' && part.length > 1) width = 1;
        else await batch.waitOut(error);
      }
    }
    this.report(poison);
  }

  /**
   * For a record that the database refused alone, and refused again after it had accepted a trial coupon.
   *
   * Tries once. If the database refuses the failed event too, the database is probably at fault and not the record: it
   * may recover during the wait. So the consumer then tries the record from the start again (ADR 21).
   *
   * @returns whether it is stored.
   * @throws BatchAbandoned
   */
  async storeSuspect(
    suspect: Pick<Poison, 'record' | 'event' | 'unsigned'>,
    error: DatabaseError,
    batch: ClaimBatch,
  ): Promise<boolean> {
    const poison: Poison = { ...suspect, code: 'refused-by-database', reason: `${error.code}: ${error.message}` };
    try {
      await this.store([poison], batch);
    } catch (refusal) {
      await batch.waitOut(refusal);
      return false;
    }
    this.report([poison]);
    return true;
  }

  /**
   * In one transaction; a single record whose payload is refused is stored without it.
   * @throws DatabaseError when nothing of it is stored.
   */
  private async store(part: readonly Poison[], batch: ClaimBatch): Promise<void> {
    const records = part.map(toQuarantinedRecord);
    const pass = await this.persistence.quarantine(records).catch((error: unknown) => {
      if (part.length > 1 || failureClassOf(error) !== 'suspect') throw error;
      return this.persistence.quarantine(records, { withoutPayload: true });
    });
    batch.committed();
    batch.clearPending(
      pass,
      part.flatMap(({ event }) => event ?? []),
    );
  }

  private withinLimit(poison: readonly Poison[]): readonly Poison[] {
    const now = this.clock.monotonic();
    if (now - this.strangersSince > STRANGERS_MS) {
      this.stored = { strange: 0, unreadable: 0 };
      this.strangersSince = now;
    }
    return poison.filter((one) => {
      if (one.event !== null || !one.unsigned) return true;
      const kind = isStrange(one) ? 'strange' : 'unreadable';
      // mutant: strangers-unlimited
      return ++this.stored[kind] <= MAX_STRANGERS;
    });
  }

  private report(poison: readonly Poison[]): void {
    this.metrics.count('quarantined', poison.length);
    this.metrics.badSignatures.inc(poison.filter(isStrange).length);
    this.log.note(poison);
  }
}

/** Somebody else has written it. A batch that cannot be read may be one of ours that a disk has damaged. */
function isStrange({ event, unsigned, code }: Poison): boolean {
  return event === null && unsigned && code !== 'unreadable-batch';
}

function toQuarantinedRecord({ record, event, unsigned, code, reason }: Poison): QuarantinedRecord {
  return { record, claim: event, unsigned, failure: { errorClass: 'poison', errorCode: code, errorMessage: reason } };
}
