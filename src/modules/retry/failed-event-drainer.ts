import { Injectable, Logger } from '@nestjs/common';
import { postponementMs, PUBLISH_LEASE_MS } from '../../domain/retry-policy.js';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy, ulidFactory } from '../../platform/flow/entropy.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { Timers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { type SampledSpan } from '../../platform/tracing/sampled-span.js';
import { tracing } from '../../platform/tracing/tracing.js';
import { inCaseOfCollision } from '../../ports/database/collision.js';
import { Database } from '../../ports/database/database.js';
import { type FailedEvent } from '../../ports/database/failed-event-store.js';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { ConsumedHorizon } from '../../ports/log/consumed-horizon.js';

/** Rows of one lease. */
const BATCH = 500;
/** The most batches of one call, so that a call always ends. */
const MAX_BATCHES = 200;
/**
 * How long a publish may take, ms. No caller waits for it, so a slow broker gets more time than at the api. But the
 * batch and its bookkeeping must end long before `PUBLISH_LEASE_MS`, or two instances publish the same row, and within
 * the 10 s in which the process has to exit.
 */
const PUBLISH_DEADLINE_MS = 5_000;

/** What one `drain()` did, in rows. `leased` is the sum of the other two. */
export interface DrainReport {
  readonly leased: number;
  /** Now on the log, under the open epoch. */
  readonly published: number;
  /** Back to PENDING, without an attempt being counted. */
  readonly postponed: number;
}

interface Lease {
  readonly owner: string;
  readonly epoch: number;
  readonly installation: string;
  readonly rows: readonly FailedEvent[];
  /** Rows that were leased: these, and those that nothing proves. */
  readonly leased: number;
}

/**
 * Publishes failed events on the claim log again. It decides nothing about the claim: only the consumer's transaction
 * makes a row RESOLVED, and only the consumer counts attempts.
 *
 * A claim that is published twice does no harm, because the consumer settles the copy. A claim that is never published
 * is lost. So after any failure the row is due again.
 */
@Injectable()
export class FailedEventDrainer {
  private readonly logger = new Logger(FailedEventDrainer.name);
  private readonly instance: string;
  private leases = 0;
  private readonly refusals: OutageLog;
  private readonly horizon: ConsumedHorizon;

  constructor(
    private readonly database: Database,
    private readonly log: ClaimLog,
    clock: Clock,
    private readonly timers: Timers,
    private readonly entropy: Entropy,
  ) {
    this.instance = ulidFactory(clock, entropy)();
    this.refusals = new OutageLog(this.logger, clock);
    this.horizon = new ConsumedHorizon(log, () => database.read((unit) => unit.now()));
  }

  /**
   * Publishes the due rows, batch by batch, until none is due, the log refuses a whole batch, or `signal` aborts.
   *
   * Does nothing while the log is known to be away or no epoch is open: the rows stay due, which costs less than
   * leasing and postponing each of them.
   * @throws DatabaseError. The rows that were leased by then are due again when their lease has run out.
   */
  async drain(signal?: AbortSignal): Promise<DrainReport> {
    const total = { leased: 0, published: 0, postponed: 0 };
    const consumedBefore = this.log.away ? null : await this.findConsumed();
    for (let batch = 0; batch < MAX_BATCHES && !this.log.away && signal?.aborted !== true; batch++) {
      const lease = await this.lease(consumedBefore);
      if (lease === null || lease.leased === 0) break;
      const start = { attributes: { 'coupon.rows': lease.rows.length } };
      const published = await tracing.inJob('retry failed events', start, async (span) => {
        const refused = await this.publish(lease, span);
        return this.finish(lease, refused, span);
      });
      total.leased += lease.rows.length;
      total.published += published;
      total.postponed += lease.rows.length - published;
      // The log refused all of them: leave the rest of the backlog as it is, due.
      if (published === 0 && lease.rows.length > 0) break;
    }
    return total;
  }

  /**
   * The instant (ms, the database's clock) before which everything on the log has been consumed; null when that is not
   * known. While no consumer works, a row that was published waits on the log: to publish it every two minutes would
   * only fill the log with copies.
   *
   * Never rejects: rows that are PENDING do not depend on it.
   */
  private async findConsumed(): Promise<number | null> {
    const offsets = 'offsets';
    try {
      const instant = await withDeadline(this.horizon.advance(), PUBLISH_DEADLINE_MS, this.timers);
      this.refusals.recovered('the offsets of the claim log can be read again', offsets);
      return instant;
    } catch (error) {
      const reason = (error as Error).message;
      this.refusals.failed(
        `what was published again waits: the offsets of the claim log are unknown: ${reason}`,
        offsets,
      );
      return null;
    }
  }

  /**
   * @returns null while no epoch is open.
   *
   * An event says under which epoch its claim holds a slot, and the consumer drops it as STALE when it lies behind the
   * cut of a later epoch. The row's own epoch may be over, so the drainer publishes under the current one. The claim
   * does hold a slot there: each row is stored before the next epoch begins, and a rebuild stages every open row. While
   * a rebuild is under way, its epoch may never open, so nothing is published. The share lock ensures that no row of a
   * later epoch than the one we read is leased.
   */
  private async lease(consumedBefore: number | null): Promise<Lease | null> {
    // Each lease has its own name, so that a late batch cannot end a later lease of this process.
    const owner = `${this.instance}:${(this.leases += 1)}`;
    return this.database.transaction(async (unit) => {
      const { epoch, fence, installation, signedSince } = await unit.gate.lockShared();
      if (fence === null) return null;
      const leased = await unit.failedEvents.lease(owner, BATCH, PUBLISH_LEASE_MS, consumedBefore);
      // What the log does not prove must not get our signature here.
      // mutant: unverified-at-retry
      const rows = signedSince === null ? leased : leased.filter(({ verified }) => verified);
      const unverified = leased.filter((row) => !rows.includes(row)).map(({ id }) => id);
      if (unverified.length > 0) {
        await unit.failedEvents.finishLease(owner, unverified, { kind: 'unverified' });
        this.logger.error(`${unverified.length} failed events came without a signature: DEAD`);
      }
      return { owner, epoch, installation, rows, leased: leased.length };
    });
  }

  /** @returns the ids of the rows that the log did not acknowledge. */
  private async publish(lease: Lease, span: SampledSpan | undefined): Promise<ReadonlySet<number>> {
    const { epoch, installation, rows } = lease;
    const refused = new Set<number>();
    let reason: unknown;
    await Promise.all(
      rows.map(async ({ id, claim, verified }) => {
        if (claim === null) return;
        try {
          // mutant: rows-own-epoch
          const event = { ...claim, epoch, installation, span, ...(verified ? {} : { unproven: true }) };
          await withDeadline(this.log.publish(event), PUBLISH_DEADLINE_MS, this.timers);
        } catch (error) {
          refused.add(id);
          reason = error;
        }
      }),
    );
    if (refused.size === 0) this.refusals.recovered('the claim log takes failed events again');
    else this.refusals.failed(`the claim log did not take ${refused.size} failed events: ${(reason as Error).message}`);
    return refused;
  }

  /** Ends the leases. @returns how many rows are on the log under an epoch that is still the current one. */
  private finish(
    { owner, epoch, rows }: Lease,
    refused: ReadonlySet<number>,
    span: SampledSpan | undefined,
  ): Promise<number> {
    const delayMs = postponementMs(this.entropy.fraction());
    return inCaseOfCollision('infrastructure', () =>
      this.database.transaction(async (unit) => {
        // A rebuild may have begun since, and our events may lie behind its cut: publish them again soon, not in two
        // minutes.
        const overtaken = (await unit.gate.read()).epoch !== epoch;
        const ids = rows.map(({ id }) => id);
        const published = overtaken ? [] : ids.filter((id) => !refused.has(id));
        const postponed = overtaken ? ids : ids.filter((id) => refused.has(id));
        await unit.failedEvents.finishLease(owner, published, { kind: 'published' });
        await unit.failedEvents.finishLease(owner, postponed, { kind: 'postponed', delayMs });
        span?.set({ 'coupon.published': published.length, 'coupon.postponed': postponed.length });
        return published.length;
      }),
    );
  }
}
