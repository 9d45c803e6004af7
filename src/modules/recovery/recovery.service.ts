import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy } from '../../platform/flow/entropy.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { Database } from '../../ports/database/database.js';
import { GateBuilder } from '../../ports/gate/gate-builder.js';
import { EpochWatch, type FenceSignal } from '../watch/epoch-watch.js';
import { GateRebuilder } from './gate-rebuilder.js';
import { GateReconciler } from './gate-reconciler.js';

/** How often the terms are compared, ms. */
const RECONCILE_INTERVAL_MS = 3_000;
/** The longest wait after a rebuild that failed, ms. */
const MAX_BACKOFF_MS = 10_000;
/** An epoch that is lost so soon after its opening was rebuilt in vain, ms. */
const SHORT_LIVED_MS = 5_000;
/** So many in a row may be misfortune: a Redis that is restarted twice, a second key that is lost. */
const BELIEVED_MISFORTUNES = 2;

/** Rebuilds when somebody meets a fence, reconciles while nobody does, and stops with the process. */
@Injectable()
export class RecoveryService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(RecoveryService.name);
  private rebuilding: Promise<void> | null = null;
  /** Rebuilds that failed, in a row, since an epoch was open. */
  private failures = 0;
  /** Epochs that were lost right after their opening, in a row. */
  private inVain = 0;
  /** The last epoch that was found lost. */
  private lost = 0;
  /** Monotonic, ms. */
  private notBefore = 0;
  private readonly rounds: PeriodicTask;
  private stopped = false;

  constructor(
    private readonly watch: EpochWatch,
    private readonly builder: GateBuilder,
    private readonly rebuilder: GateRebuilder,
    private readonly reconciler: GateReconciler,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly entropy: Entropy,
    timers: Timers,
  ) {
    this.rounds = new PeriodicTask(timers, RECONCILE_INTERVAL_MS, () => this.reconcile());
    this.watch.onFence((epoch, signal) => this.onFence(epoch, signal));
  }

  /**
   * To be awaited before the process listens. An in-process gate is empty after every start and is rebuilt here;
   * rejects when that fails, and then the process must not listen. Where the gate is a server, this only starts the
   * watch: the process answers 503 until the servers are there and says so.
   */
  async start(): Promise<void> {
    if (this.builder.isAlone) {
      const { epoch } = await this.database.read((unit) => unit.gate.read());
      await this.rebuilder.rebuild(epoch);
    }
    await this.watch.start();
    this.rounds.start();
  }

  /** Before the connections close: what runs here needs them. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    const reconciled = this.rounds.stop();
    await this.rebuilder.stop();
    await this.rebuilding;
    await reconciled;
  }

  private onFence(epoch: number, signal: FenceSignal): void {
    if (this.stopped || this.rebuilding !== null) return;
    if (signal !== 'not-open' && epoch !== this.lost) {
      this.lost = epoch;
      // It was open, whoever had built it: what failed before that is over.
      this.failures = 0;
      this.judgeRebuildOf(epoch);
    }
    if (this.clock.monotonic() < this.notBefore) return;
    // "Not open" does not say that this epoch is lost: its builder may be about to open it.
    const lost = signal === 'not-open' ? epoch - 1 : epoch;
    this.rebuilding = this.rebuild(lost, signal).finally(() => {
      this.rebuilding = null;
    });
  }

  /**
   * Where something makes every new epoch fall at once, somebody who uses the same Redis or processes that use two, to
   * rebuild without a pause would keep closing what a part of the processes can still use.
   */
  private judgeRebuildOf(epoch: number): void {
    const shortLived = this.watch.openedWithin(SHORT_LIVED_MS, epoch);
    this.inVain = shortLived ? this.inVain + 1 : 0;
    if (this.inVain > BELIEVED_MISFORTUNES) this.backOff();
  }

  /** Never rejects: whoever meets the fence next, at the latest the watch's next beat, tries again after the back-off. */
  private async rebuild(lost: number, signal: FenceSignal): Promise<void> {
    try {
      if (signal !== 'not-open') this.logger.error(`epoch ${lost} of the gate cannot be trusted: ${signal}`);
      await this.rebuilder.rebuild(lost);
      await this.watch.refresh();
      // Being told that another one builds is no success: that one may fail as we did.
      if (this.watch.pass !== null) this.failures = 0;
    } catch (error) {
      this.failures += 1;
      this.backOff();
      this.logger.error(`the gate could not be rebuilt: ${(error as Error).message}`);
    }
  }

  /**
   * It may be over at once, since it does not decide who goes first: after a failure the rebuilder leaves the gate to
   * others for a moment, by the database's clock.
   */
  private backOff(): void {
    const lostAtOnce = Math.max(0, this.inVain - BELIEVED_MISFORTUNES);
    const longest = Math.min(MAX_BACKOFF_MS, 500 * 2 ** Math.min(this.failures + lostAtOnce, 10));
    this.notBefore = this.clock.monotonic() + this.entropy.fraction() * longest;
  }

  private async reconcile(): Promise<void> {
    try {
      await this.reconciler.reconcile();
    } catch (error) {
      this.logger.warn(`gate and database could not be compared: ${(error as Error).message}`);
    }
  }
}
