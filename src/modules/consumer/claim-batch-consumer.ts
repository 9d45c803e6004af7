import { Injectable, Logger } from '@nestjs/common';
import { logSoldOut } from '../../domain/campaign-log.js';
import { type ClaimEvent, type ClaimReference, decodeClaimEvent, type PoisonCode } from '../../domain/claim.js';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy } from '../../platform/flow/entropy.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { Timers } from '../../platform/flow/timers.js';
import { type DatabaseError } from '../../ports/database/database-error.js';
import { type QuarantinedRecord } from '../../ports/database/failed-event-store.js';
import { type GatePass, IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { type ClaimBatchContext } from '../../ports/log/claim-batch.context.js';
import { type LogRecord } from '../../ports/log/claim-log.js';
import { BatchHold } from './batch-hold.js';
import { ClaimPersistence, type PersistedChunk, type ReadableRecord, type Verdict } from './claim-persistence.js';
import { ConsumerSettings } from './consumer-settings.js';
import { ConsumerMetrics } from './consumer.metrics.js';
import { failureClassOf } from './failure-class.js';

/** A unique key that is still taken after so many looks is not a race. */
const MAX_LOOKS = 3;
/** Records that are read without a pause: about half a ms. */
const READ_AT_ONCE = 100;
/** Quarantined messages that one warning names. */
const MAX_NAMED = 20;

/** A message that can never become a coupon as it is. */
interface Poison {
  readonly record: LogRecord;
  /** null when it could not be read. */
  readonly event: ClaimEvent | null;
  readonly code: PoisonCode;
  readonly reason: string;
}

interface Unreadable extends Poison {
  readonly event: null;
}

interface Readable extends ReadableRecord {
  readonly record: LogRecord;
}

type Decoded = Readable | Unreadable;

/** What is remembered while one batch is worked on. */
interface Batch {
  readonly context: ClaimBatchContext;
  readonly hold: BatchHold;
  /** Failures since the last commit, and when the first of them was noticed, ms. */
  failures: number;
  failingSince: number;
  /** Calls to the gate run beside the next chunk; the batch ends after the last of them. */
  clearing: Promise<void>;
  /** After one call that failed the rest is left to the sweeper, or each chunk would wait for a dead gate. */
  gateAway: boolean;
}

/** The batch is given back: revoked, or the database was away for too long. */
class GivenBack extends Error {}

/**
 * Settles a batch of the log from its start: every record becomes a coupon, is known to have one, is stale, discarded or
 * quarantined. What is not settled when `consume` returns is delivered again.
 *
 * A chunk that the database refuses is halved until what is refused stands alone; after a success the chunks grow again.
 * So one bad row among hundreds costs some 20 transactions, and the others are not kept waiting for it.
 */
@Injectable()
export class ClaimBatchConsumer {
  private readonly logger = new Logger(ClaimBatchConsumer.name);
  /** Of all batches together: the database takes none of them. */
  private readonly outage: OutageLog;
  /** Under way. */
  private batches = 0;

  constructor(
    private readonly persistence: ClaimPersistence,
    private readonly gate: IssuanceGate,
    private readonly metrics: ConsumerMetrics,
    private readonly settings: ConsumerSettings,
    private readonly clock: Clock,
    private readonly timers: Timers,
    private readonly entropy: Entropy,
  ) {
    this.outage = new OutageLog(this.logger, clock);
  }

  /** Never rejects: an error would reach the transport as an ordinary value. */
  async consume(records: readonly LogRecord[], context: ClaimBatchContext): Promise<void> {
    const hold = new BatchHold(context, this.settings.heartbeatMs, this.timers);
    const batch: Batch = {
      context,
      hold,
      failures: 0,
      failingSince: 0,
      clearing: Promise.resolve(),
      gateAway: false,
    };
    this.batches += 1;
    try {
      await this.settleAll(records, batch);
    } catch (error) {
      // Anything else is a mistake of ours: it settles nothing, and comes back with the batch.
      if (!(error instanceof GivenBack)) this.logger.error(error instanceof Error ? error.stack : error);
    } finally {
      await batch.clearing;
      await hold.end();
      this.batches -= 1;
    }
    this.logger.debug(`${context.topic}[${context.partition}]: ${context.settledCount} of ${context.size} settled`);
  }

  private async settleAll(records: readonly LogRecord[], batch: Batch): Promise<void> {
    const { chunkSize } = this.settings;
    let width = chunkSize;
    let looks = 1;
    /** The record that was refused alone before the database took one that must fit. */
    let suspected = -1;
    for (let start = 0; start < records.length;) {
      await batch.hold.beat();
      if (batch.hold.lost) return;
      const chunk = await this.decodeAll(records.slice(start, start + width));
      try {
        await this.settleChunk(chunk, start, batch);
        start += chunk.length;
        width = Math.min(chunkSize, width * 2);
        looks = 1;
      } catch (error) {
        const failure = failureClassOf(error);
        if (failure === 'duplicate' && looks < MAX_LOOKS) {
          looks += 1;
          continue;
        }
        if (failure === 'defect') throw error;
        if (failure === 'infrastructure') {
          suspected = -1;
          await this.waitOut(error, batch);
          continue;
        }
        looks = 1;
        const [suspect] = chunk;
        if (chunk.length > 1) {
          width = Math.ceil(chunk.length / 2);
        } else if (suspect !== undefined && suspected === start) {
          suspected = -1;
          if (await this.setSuspectAside(suspect, start, error as DatabaseError, batch)) start += 1;
        } else if (suspect?.event && (await this.persistence.acceptsCoupons(suspect.event.campaignId))) {
          suspected = start;
        } else {
          await this.waitOut(error, batch);
        }
      }
    }
  }

  private async decodeAll(records: readonly LogRecord[]): Promise<Decoded[]> {
    const decoded: Decoded[] = [];
    for (let from = 0; from < records.length; from += READ_AT_ONCE) {
      if (from > 0) await this.giveWay();
      decoded.push(...records.slice(from, from + READ_AT_ONCE).map(decode));
    }
    return decoded;
  }

  /**
   * Before work that others need not wait for. Of several batches one may hold the campaign's row, and all of them wait
   * until its next statement is sent; served first, it persists a backlog 1.1 times as fast. A batch that is alone, as
   * in the embedded profile it always is, would only give way to HTTP.
   */
  private async giveWay(): Promise<void> {
    if (this.batches > 1) await this.timers.nextTurn();
  }

  /**
   * One transaction, then what follows from it.
   * @throws DatabaseError when the transaction failed; nothing is settled then.
   */
  private async settleChunk(chunk: readonly Decoded[], start: number, batch: Batch): Promise<void> {
    const readable = chunk.filter((decoded) => decoded.event !== null);
    const persisted = await this.persist(readable, batch);
    const coupons = readable.filter((_readable, index) => isCoupon(persisted.verdicts[index]));
    this.clearPending(
      persisted.pass,
      coupons.map(({ event }) => event),
      batch,
    );

    let next = 0;
    const poison: Poison[] = [];
    for (const [index, decoded] of chunk.entries()) {
      const found = decoded.event === null ? decoded : poisonOf(decoded, persisted.verdicts[next++]);
      if (found === null) continue;
      // What was committed before the first of them need not be delivered again, whatever becomes of the quarantine.
      if (poison.length === 0) batch.context.settle(start + index);
      poison.push(found);
    }
    if (poison.length > 0) await this.quarantine(poison, batch);
    batch.context.settle(start + chunk.length);
  }

  private async persist(readable: readonly ReadableRecord[], batch: Batch): Promise<PersistedChunk> {
    if (readable.length === 0) return { pass: null, verdicts: [], soldOut: [] };
    const stopTimer = this.metrics.persistDuration.startTimer();
    const persisted = await this.persistence.persist(readable);
    stopTimer();
    this.committed(batch);
    const committedAt = this.clock.wall();
    // The lock that was just released is somebody else's now.
    await this.giveWay();
    const counts = { issued: 0, duplicate: 0, stale: 0, discarded: 0 };
    for (const [index, { event }] of readable.entries()) {
      const verdict = persisted.verdicts[index] as Verdict;
      if (verdict in counts) counts[verdict as keyof typeof counts] += 1;
      if (verdict === 'issued') this.metrics.issued(event.claimedAt, committedAt);
    }
    for (const campaign of persisted.soldOut) logSoldOut(campaign);
    for (const [outcome, count] of Object.entries(counts)) this.metrics.count(outcome as keyof typeof counts, count);
    return persisted;
  }

  /**
   * A record that was refused alone, and again when the database had taken one that must fit. Only that makes it poison:
   * when the database takes nothing, the number of its error does not matter (a changed password, a missing table), and
   * what refused the record may have ended just before the other one came.
   *
   * Tried once: a database that does not take the failed event either may have been all that was wrong with the record,
   * and while it is waited for, that may end. So the record is then asked again from the beginning (ADR 21).
   *
   * @returns whether it is set aside.
   */
  private async setSuspectAside(
    { record, event }: Decoded,
    start: number,
    error: DatabaseError,
    batch: Batch,
  ): Promise<boolean> {
    const poison: Poison = { record, event, code: 'refused-by-database', reason: `${error.code}: ${error.message}` };
    try {
      await this.setAside([poison], batch);
    } catch (refusal) {
      await this.waitOut(refusal, batch);
      return false;
    }
    this.tellOf([poison]);
    batch.context.settle(start + 1);
    return true;
  }

  /** Returns when all of it is stored: a message that cannot even be set aside holds its partition. */
  private async quarantine(poison: readonly Poison[], batch: Batch): Promise<void> {
    // Two deliveries of one claim are one failed attempt.
    const once = new Map(poison.map((one) => [one.event?.claimId ?? one, one]));
    let waiting = [...once.values()];
    let width = waiting.length;
    while (waiting.length > 0) {
      if (batch.hold.lost) throw new GivenBack();
      const part = waiting.slice(0, width);
      try {
        await this.setAside(part, batch);
        waiting = waiting.slice(width);
      } catch (error) {
        // One of them is refused: each for itself, so that it does not cost the others their payload.
        if (failureClassOf(error) === 'suspect' && part.length > 1) width = 1;
        else await this.waitOut(error, batch);
      }
    }
    this.tellOf(poison);
  }

  /**
   * In one transaction.
   * @throws DatabaseError when nothing of it is stored.
   */
  private async setAside(part: readonly Poison[], batch: Batch): Promise<void> {
    const pass = await this.store(part);
    this.committed(batch);
    this.clearPending(
      pass,
      part.flatMap(({ event }) => event ?? []),
      batch,
    );
  }

  private async store(part: readonly Poison[]): Promise<GatePass | null> {
    const records = part.map(toQuarantinedRecord);
    try {
      return await this.persistence.quarantine(records);
    } catch (error) {
      if (part.length > 1 || failureClassOf(error) !== 'suspect') throw error;
      return this.persistence.quarantine(records, { withoutPayload: true });
    }
  }

  /** Best effort, beside the next chunk: what stays pending is found by the sweeper. */
  private clearPending(pass: GatePass | null, claims: readonly ClaimReference[], batch: Batch): void {
    if (pass === null || claims.length === 0) return;
    batch.clearing = batch.clearing.then(async () => {
      if (batch.gateAway) return;
      try {
        await this.gate.clearPending(pass, claims);
      } catch (error) {
        batch.gateAway = true;
        this.logger.debug(`pending claims are left to the sweeper: ${(error as Error).message}`);
      }
    });
  }

  /**
   * Waits before the next try, longer after each failure.
   * @throws GivenBack when the batch is lost or the database has been away for too long, and the error when it is a
   * mistake of ours.
   */
  private async waitOut(error: unknown, batch: Batch): Promise<void> {
    if (failureClassOf(error) === 'defect') throw error;
    const { minWaitMs, maxWaitMs, giveUpAfterMs } = this.settings;
    const now = this.clock.monotonic();
    const { code, message } = error as DatabaseError;
    this.outage.failed(`claims cannot be persisted, and wait: ${code}: ${message}`);
    if (batch.failures === 0) batch.failingSince = now;
    batch.failures += 1;
    const patience = giveUpAfterMs - (now - batch.failingSince);
    if (patience <= 0) throw new GivenBack();
    // Full jitter: consumers that failed together do not come back together.
    const longest = Math.min(maxWaitMs, minWaitMs * 2 ** batch.failures);
    await batch.hold.rest(Math.min(patience, minWaitMs + this.entropy.fraction() * (longest - minWaitMs)));
    if (batch.hold.lost) throw new GivenBack();
  }

  private committed(batch: Batch): void {
    batch.failures = 0;
    this.outage.recovered('claims are persisted again');
  }

  private tellOf(poison: readonly Poison[]): void {
    this.metrics.count('quarantined', poison.length);
    const quarantined = poison.slice(0, MAX_NAMED).map(({ record, event, code }) => ({
      code,
      claimId: event?.claimId ?? null,
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
    }));
    this.logger.warn({ message: `${poison.length} claim events were quarantined`, quarantined });
  }
}

function decode(record: LogRecord): Decoded {
  if (record.unreadable !== undefined) {
    return { record, event: null, code: 'unreadable-batch', reason: record.unreadable };
  }
  const decoded = decodeClaimEvent(record.value);
  return decoded.kind === 'claim'
    ? { record, event: decoded.event }
    : { record, event: null, code: decoded.code, reason: decoded.reason };
}

function isCoupon(verdict: Verdict | undefined): boolean {
  return verdict === 'issued' || verdict === 'duplicate';
}

function poisonOf({ record, event }: Readable, verdict: Verdict | undefined): Poison | null {
  if (verdict === 'unknown-campaign') return { record, event, code: verdict, reason: 'no such campaign' };
  if (verdict === 'over-total') return { record, event, code: verdict, reason: 'every coupon of the total is issued' };
  return null;
}

function toQuarantinedRecord({ record, event, code, reason }: Poison): QuarantinedRecord {
  return { record, claim: event, failure: { errorClass: 'poison', errorCode: code, errorMessage: reason } };
}
