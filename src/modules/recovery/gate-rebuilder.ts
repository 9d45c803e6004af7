import { Injectable, Logger, Optional } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy } from '../../platform/flow/entropy.js';
import { Timers } from '../../platform/flow/timers.js';
import { type SampledSpan } from '../../platform/tracing/sampled-span.js';
import { tracing } from '../../platform/tracing/tracing.js';
import { CAMPAIGN_PAGE, forEachCampaign } from '../../ports/database/campaign-pages.js';
import { Database } from '../../ports/database/database.js';
import { type GateRow } from '../../ports/database/gate-row-store.js';
import { GateBuilder, type StagedCampaign } from '../../ports/gate/gate-builder.js';
import { passOf } from '../../ports/gate/gate-pass.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { WATCH_INTERVAL_MS } from '../gate-watch/epoch-watch.js';
import { BuilderLease, LEASE_MS, LeaseLostError, RebuildStoppedError } from './builder-lease.js';
import { findFence } from './find-fence.js';
import { LogReading, type Unsettled } from './log-reading.js';
import { RebuildProbe, type RebuildStep } from './rebuild-probe.js';
import { recordOpening } from './record-opening.js';
import { stageSnapshot } from './snapshot-reading.js';
import { StagedClaims } from './staged-claims.js';
import { Takeover } from './takeover.js';

/** Claims of one call to the gate. */
const PAGE = 2_000;

/**
 * How long a builder whose last build failed lets the others go first after a lease has ended, ms. Each process asks
 * every 500 ms while the gate is closed, so each has asked once by then, even one that is late by a whole interval.
 */
const STAND_BACK_MS = 2 * WATCH_INTERVAL_MS;

/** A new epoch whose lease we hold. */
interface Lease {
  readonly epoch: number;
  /** An older epoch may have been open, so 202s under it may still be on their way. */
  readonly followsAnEpoch: boolean;
  readonly installation: string;
  /** The epochs that the gate row of this installation has shown. */
  readonly ownEpochs: readonly number[];
  /** The epoch that was open last; 0 when that is not known. */
  readonly lastOpen: number;
}

/**
 * Makes a new gate out of what is durable, under a new epoch. The builder needs the database, the log and the gate's
 * server, but no living consumer.
 *
 * The order of the steps is the protocol. Each step prevents a loss or a double issue:
 * 1. Take the lease, which raises the epoch. From now on no api can write a failed event under the old epoch.
 * 2. Drop the old keys, and wait until no 202 under them can leave any more. What the epoch that was open last may know
 *    alone is sealed instead.
 * 3. Only now take the log's end: everything that was promised lies before it.
 * 4. Store the end as the cut, and read the database *after* that. What the consumer commits later is missing in the
 *    snapshot, but the consumer judges it by the cut.
 * 5. Read from the log what the consumer has not settled. If a part of it was settled and deleted in between, repeat 4
 *    and 5 without a new cut.
 * 6. Make failed events of what only the sealed keys know, and then drop these.
 * 7. Write the metas last. Open the row only if it is still ours.
 */
@Injectable()
export class GateRebuilder {
  private readonly logger = new Logger(GateRebuilder.name);
  /** Random, because the next process on this host would have the same host name. */
  private readonly builderId: string;
  private readonly probe: RebuildProbe;
  private readonly logReading: LogReading;
  private readonly takeover: Takeover;
  private running: Promise<void> | null = null;
  private lease: BuilderLease | null = null;
  /** Our last build failed, and the next one may fail too: builders that have not failed go first. */
  private failed = false;
  private stopped = false;

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly builder: GateBuilder,
    log: ClaimLog,
    private readonly clock: Clock,
    private readonly timers: Timers,
    entropy: Entropy,
    @Optional() probe?: RebuildProbe,
  ) {
    this.builderId = entropy.uuid();
    this.logReading = new LogReading(database, builder, log);
    this.takeover = new Takeover(database, builder);
    this.probe = probe ?? new RebuildProbe();
  }

  /**
   * Rebuilds the gate unless that is done or another builder's work. Returns in these cases: an epoch above `lostEpoch`
   * is open and the gate answers under it; another builder holds a lease, or has to go first; another builder took our
   * lease over.
   *
   * One at a time in a process; a second call joins the first. Rejects when a step failed. Then it gives the lease back
   * and undoes nothing else: the next attempt takes a new epoch and drops what this one left.
   *
   * @param lostEpoch the epoch that the caller has seen and cannot trust; 0 when it has seen none.
   */
  rebuild(lostEpoch: number): Promise<void> {
    this.running ??= this.attempt(lostEpoch).finally(() => {
      this.running = null;
    });
    return this.running;
  }

  /** Ends a running rebuild at its next step, and refuses new ones. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.lease?.abort(new RebuildStoppedError('the process is shutting down'));
    await this.running?.catch(() => undefined);
  }

  private async attempt(lostEpoch: number): Promise<void> {
    const taken = await this.takeLease(lostEpoch);
    if (taken === null) return;
    const { epoch } = taken;
    const startedAt = this.clock.monotonic();
    const span = tracing.job('rebuild gate', { attributes: { 'coupon.epoch': epoch } });
    this.logger.log({ message: `rebuilding the gate as epoch ${epoch}`, ...span?.fields });
    const lease = new BuilderLease(this.database, this.timers, this.builderId, epoch);
    this.lease = lease;
    if (this.stopped) lease.abort(new RebuildStoppedError('the process is shutting down'));
    try {
      await this.build(lease, taken, span);
      this.failed = false;
      const ms = Math.round(this.clock.monotonic() - startedAt);
      this.logger.log({ message: `epoch ${epoch} is open after ${ms} ms`, ...span?.fields });
      span?.end();
      await recordOpening(this.database, { epoch, ms, after: taken.lastOpen });
    } catch (error) {
      span?.fail(error);
      if (!(error instanceof LeaseLostError)) {
        // mutant: kept-lease
        this.failed = true;
        await lease.giveBack();
        throw error;
      }
      this.logger.warn(`${error.message}; what was staged for epoch ${epoch} is abandoned`);
      await this.builder.abandon(epoch);
    } finally {
      this.lease = null;
      await lease.end();
    }
  }

  /**
   * Step 1; null when there is nothing to do for us.
   *
   * Reads the row without a lock first. To ask the gate takes long, and under the row's lock it would block every
   * campaign write and every consumer. If the row has changed before we get the lock, we start over: what we found out
   * about one epoch is no reason to close the next, which may be healthy or have its builder. The loop ends, because a
   * change means that another builder has begun or opened an epoch.
   *
   * @param lostEpoch why we are here. The row may show a later epoch (another builder was faster) or an earlier one
   * (the database was restored).
   */
  private async takeLease(lostEpoch: number): Promise<Lease | null> {
    for (;;) {
      if (this.stopped) throw new RebuildStoppedError('the process is shutting down');
      const { found, foundAt } = await this.database.readUrgently(async (unit) => ({
        found: await unit.gate.read(),
        foundAt: await unit.now(),
      }));
      // Every process that meets the fence comes here every 500 ms: it must not queue for the lock that the builder
      // needs.
      if (this.isLeftToOthers(found, foundAt)) return null;
      // Our caller knows nothing about a later epoch: ask the gate itself.
      if (found.epoch > lostEpoch && (await this.isServing(found))) return null;
      const taken = await this.database.transaction(async (unit): Promise<Lease | 'left' | 'changed'> => {
        const row = await unit.gate.lockExclusive();
        if (row.epoch !== found.epoch || row.fence !== found.fence) return 'changed';
        const now = await unit.now();
        if (this.isLeftToOthers(row, now)) return 'left';
        // Above the lost epoch too, which a restored row does not know. And at least the unix time: then a restored
        // database never reuses an epoch from after its backup, even if no living process remembers that one.
        // mutant: epoch-without-time
        const epoch = Math.max(row.epoch + 1, lostEpoch + 1, Math.floor(now / 1_000));
        const ownEpochs = [...(await unit.gate.epochsWithCut()), row.epoch];
        const { installation } = row;
        // A restored row does not know which epoch was open last.
        const lastOpen = lostEpoch > row.epoch ? 0 : await unit.gate.lastOpen();
        await unit.gate.beginEpoch(this.builderId, epoch, LEASE_MS, lastOpen);
        return { epoch, followsAnEpoch: row.epoch > 0 || lostEpoch > 0, installation, ownEpochs, lastOpen };
      });
      if (taken === 'left') return null;
      if (taken !== 'changed') return taken;
    }
  }

  private async isServing(row: GateRow): Promise<boolean> {
    const pass = passOf(row);
    return pass !== null && (await findFence(this.database, this.gate, pass)) === null;
  }

  /** Does another builder work on it, or may one begin before us? */
  private isLeftToOthers({ fence, builder, leaseUntil }: GateRow, now: number): boolean {
    // A builder that is alone knows that the holder of the lease is dead.
    if (this.builder.isAlone || fence !== null || builder === this.builderId) return false;
    const left = (leaseUntil ?? 0) - now;
    // No lease lasts longer, so the database's clock has stepped back. If the holder is dead, the others would wait
    // until the clock has caught up. If it lives, it loses its work by this, and nothing else.
    if (left > LEASE_MS) return false;
    if (builder !== null && left > 0) return true;
    return this.failed && left <= 0 && left > -STAND_BACK_MS;
  }

  private async build(lease: BuilderLease, taken: Lease, span: SampledSpan | undefined): Promise<void> {
    const { epoch, followsAnEpoch, installation, ownEpochs, lastOpen } = taken;
    const done = async (step: RebuildStep) => {
      span?.event(step);
      await this.probe.after(step, epoch);
      lease.check();
    };
    await done('leased');

    this.builder.useInstallation(installation);
    const sealed = await this.builder.dropEpochsBelow(epoch, ownEpochs, lastOpen);
    await done('older-epochs-dropped');
    // mutant: no-quiesce
    if (followsAnEpoch && !this.builder.isAlone) await lease.wait(this.builder.quiesceMs);
    await done('quiesced');

    const unsettled = await this.logReading.readOffsets();
    await done('offsets-read');

    await this.storeCut(lease, unsettled);
    await done('cut-stored');
    const found = new StagedClaims(this.clock.wall(), installation);
    for (
      let unread: Unsettled | null = unsettled;
      unread !== null;
      unread = await this.logReading.findDeleted(unread)
    ) {
      await this.database.snapshot((unit) => stageSnapshot(this.builder, lease, unit, found));
      await done('snapshot-staged');

      await this.logReading.stage(lease, unread, found);
      await done('log-read');
    }

    // After the coupons: the gate keeps what was staged first for a user, so the coupon wins.
    for (const { campaignId, claims } of found.pages(PAGE)) {
      lease.check();
      await this.builder.stage(epoch, campaignId, claims);
    }
    await done('pending-staged');

    // mutant: early-drop
    for (const campaignId of sealed) await this.takeover.takeOver(lease, lastOpen, campaignId, found);
    await done('left-taken-over');
    await this.builder.dropSealed(lastOpen, sealed);

    const fence = await this.builder.installFence(epoch);
    await done('fence-installed');
    await this.openStaged(epoch, found.stagedCampaigns());
    await done('metas-written');

    // A renewal would now only queue for the lock that the opening holds.
    await lease.end();
    lease.check();
    await this.open(lease, fence, found);
    await this.probe.after('opened', epoch);
  }

  /** Step 4, first half. */
  private async storeCut(lease: BuilderLease, { end: offsets, logId }: Unsettled): Promise<void> {
    await this.database.transaction(async (unit) => {
      lease.assertMine(await unit.gate.lockExclusive());
      await unit.gate.storeCut({ epoch: lease.epoch, offsets, ...(logId === null ? {} : { logId }) });
    });
  }

  private async openStaged(epoch: number, campaigns: readonly StagedCampaign[]): Promise<void> {
    for (let first = 0; first < campaigns.length; first += CAMPAIGN_PAGE) {
      await this.builder.openStaged(epoch, campaigns.slice(first, first + CAMPAIGN_PAGE));
    }
  }

  /**
   * Step 7, the opening transaction. It holds the lock that every campaign write shares, so no campaign can change
   * between this reading and the opening. A campaign that is made later finds the gate open.
   */
  private async open(lease: BuilderLease, fence: string, found: StagedClaims): Promise<void> {
    const { epoch } = lease;
    await this.database.transaction(async (unit) => {
      lease.assertMine(await unit.gate.lockExclusive());
      const differences: StagedCampaign[] = [];
      await forEachCampaign(unit, (campaign) => {
        const difference = found.difference(campaign);
        if (difference !== null) differences.push(difference);
      });
      await this.openStaged(epoch, differences);
      await unit.gate.open(epoch, fence);
    });
  }
}
