import { Injectable, Logger } from '@nestjs/common';
import { postponementMs, PUBLISH_LEASE_MS } from '../../domain/retry-policy.js';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy, ulidFactory } from '../../platform/flow/entropy.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { Timers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { inCaseOfCollision } from '../../ports/database/collision.js';
import { Database } from '../../ports/database/database.js';
import { type FailedEvent } from '../../ports/database/failed-event-store.js';
import { ClaimLog } from '../../ports/log/claim-log.js';

/** Rows leased and published at once. */
const BATCH = 500;
/** Batches of one call, so that a shutdown or a test is never kept by an endless supply. */
const MAX_BATCHES = 200;
/**
 * How long a publish may take, ms. Nobody waits for an answer here, so a slow broker gets more time than at the api. But
 * batch and bookkeeping have to be over long before `PUBLISH_LEASE_MS`, or two instances publish the same row, and within
 * the 10 s in which the process has to exit.
 */
const PUBLISH_DEADLINE_MS = 5_000;

/** What one `drain()` did, in rows. `leased` is the sum of the other two. */
export interface DrainReport {
  readonly leased: number;
  /** On the log, under the epoch that is open now. */
  readonly published: number;
  /** Back to PENDING, without an attempt being counted. */
  readonly postponed: number;
}

interface Lease {
  readonly owner: string;
  readonly epoch: number;
  readonly rows: readonly FailedEvent[];
}

/**
 * Brings failed events back onto the claim log. It decides nothing about the claim: only the consumer's transaction
 * makes a row RESOLVED, and only the consumer counts attempts.
 *
 * Publishing the same claim twice is harmless (the consumer settles the copy), publishing it never is not; so whatever
 * goes wrong here leaves the row due again.
 */
@Injectable()
export class FailedEventDrainer {
  private readonly logger = new Logger(FailedEventDrainer.name);
  private readonly instance: string;
  private leases = 0;
  private readonly refusals: OutageLog;

  constructor(
    private readonly database: Database,
    private readonly log: ClaimLog,
    clock: Clock,
    private readonly timers: Timers,
    private readonly entropy: Entropy,
  ) {
    this.instance = ulidFactory(clock, entropy)();
    this.refusals = new OutageLog(this.logger, clock);
  }

  /**
   * Publishes what is due, batch by batch, until nothing is due, the log takes nothing any more, or `signal` aborts.
   *
   * Does nothing while the log is known to be away and while no epoch is open: the rows stay due, which costs less than
   * leasing and postponing each of them.
   * @throws DatabaseError. Rows that were leased by then are due again when their lease has run out.
   */
  async drain(signal?: AbortSignal): Promise<DrainReport> {
    const total = { leased: 0, published: 0, postponed: 0 };
    for (let batch = 0; batch < MAX_BATCHES && !this.log.away && signal?.aborted !== true; batch++) {
      const lease = await this.lease();
      if (lease === null || lease.rows.length === 0) break;
      const refused = await this.publish(lease);
      const published = await this.finish(lease, refused);
      total.leased += lease.rows.length;
      total.published += published;
      total.postponed += lease.rows.length - published;
      // The log takes nothing: the rest of the backlog stays due and is not touched for nothing.
      if (published === 0) break;
    }
    return total;
  }

  /**
   * null while no epoch is open.
   *
   * An event says under which epoch its claim holds a slot, and the consumer drops it as STALE when it lies behind the
   * cut of a later one. A row's own epoch may be over, so the current one is written: that is honest, because a row is
   * in the database before the next epoch begins, and a rebuild stages every open row. While a rebuild is under way it is
   * not known yet whether the epoch in the row will ever be opened, so nothing is published. The share lock makes sure
   * that no row of a later epoch than the one we read is leased.
   */
  private async lease(): Promise<Lease | null> {
    // A name for every lease, not only for every process: a batch that is late cannot end a later lease of ours.
    const owner = `${this.instance}:${(this.leases += 1)}`;
    return this.database.transaction(async (unit) => {
      const { epoch, fence } = await unit.gate.lockShared();
      if (fence === null) return null;
      return { owner, epoch, rows: await unit.failedEvents.lease(owner, BATCH, PUBLISH_LEASE_MS) };
    });
  }

  /** The ids of the rows that the log did not acknowledge: away, full, or nobody knows. */
  private async publish({ epoch, rows }: Lease): Promise<ReadonlySet<number>> {
    const refused = new Set<number>();
    let reason: unknown;
    await Promise.all(
      rows.map(async ({ id, claim }) => {
        if (claim === null) return;
        try {
          await withDeadline(this.log.publish({ ...claim, epoch }), PUBLISH_DEADLINE_MS, this.timers);
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

  /** Ends the leases, and says how many rows are on the log under an epoch that still counts. */
  private finish({ owner, epoch, rows }: Lease, refused: ReadonlySet<number>): Promise<number> {
    const delayMs = postponementMs(this.entropy.fraction());
    return inCaseOfCollision('infrastructure', () =>
      this.database.transaction(async (unit) => {
        // A rebuild that began meanwhile may have cut our events off: publish them again soon, not in two minutes.
        const overtaken = (await unit.gate.read()).epoch !== epoch;
        const ids = rows.map(({ id }) => id);
        const published = overtaken ? [] : ids.filter((id) => !refused.has(id));
        const postponed = overtaken ? ids : ids.filter((id) => refused.has(id));
        await unit.failedEvents.finishLease(owner, published, { kind: 'published' });
        await unit.failedEvents.finishLease(owner, postponed, { kind: 'postponed', delayMs });
        return published.length;
      }),
    );
  }
}
