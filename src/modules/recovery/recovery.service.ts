import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy } from '../../platform/flow/entropy.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Seldom } from '../../platform/flow/seldom.js';
import { Timers } from '../../platform/flow/timers.js';
import { Database } from '../../ports/database/database.js';
import { GateBuilder } from '../../ports/gate/gate-builder.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { type FenceSignal } from '../gate-watch/fence-signal.js';
import { GateRebuilder } from './gate-rebuilder.js';
import { GateReconciler } from './gate-reconciler.js';

/** How often the terms are compared, ms. */
const RECONCILE_INTERVAL_MS = 3_000;
/** The longest wait after a rebuild that failed, ms. */
const MAX_BACKOFF_MS = 10_000;
/** An epoch that is lost within this time after its opening counts as short-lived, ms. */
const SHORT_LIVED_MS = 5_000;
/** Up to this many short-lived epochs in a row are normal: Redis is restarted twice, or a second key is lost. */
const TOLERATED_SHORT_EPOCHS = 2;
/** While a rebuild fails again and again for the same reason, the log has one line of it in this time, ms. */
const SAME_REASON_MS = 60_000;

/** Rebuilds the gate after a fence, and reconciles while the gate is open. */
@Injectable()
export class RecoveryService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(RecoveryService.name);
  private rebuilding: Promise<void> | null = null;
  /** Rebuilds that failed in a row since an epoch was last open. */
  private failures = 0;
  private shortLivedInARow = 0;
  private lastLost = 0;
  /** No rebuild starts earlier, monotonic, ms. */
  private notBefore = 0;
  private readonly rounds: PeriodicTask;
  private readonly comparing: OutageLog;
  private readonly reasons: Seldom;
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
    this.comparing = new OutageLog(this.logger, clock);
    this.reasons = new Seldom(clock, SAME_REASON_MS);
    this.rounds = new PeriodicTask(timers, RECONCILE_INTERVAL_MS, () => this.reconcile());
    this.watch.onFence((epoch, signal) => this.onFence(epoch, signal));
  }

  /**
   * Call and await before the process listens. An in-process gate is empty after every start and is rebuilt here. When
   * that fails this rejects, and the process must not listen. Where the gate is a server, this only starts the watch:
   * the api answers 503 until the servers are there.
   */
  async start(): Promise<void> {
    if (this.builder.isAlone) {
      const { epoch } = await this.database.read((unit) => unit.gate.read());
      await this.rebuilder.rebuild(epoch);
    }
    await this.watch.start();
    this.rounds.start();
  }

  /** Before the connections close, because the rebuild needs them. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    const reconciled = this.rounds.stop();
    await this.rebuilder.stop();
    await this.rebuilding;
    await reconciled;
  }

  private onFence(epoch: number, signal: FenceSignal): void {
    if (this.stopped || this.rebuilding !== null) return;
    if (signal !== 'not-open' && epoch !== this.lastLost) {
      this.lastLost = epoch;
      // This epoch was open, so the failures before it are over, whichever process built it.
      this.failures = 0;
      this.backOffIfShortLived(epoch);
    }
    if (this.clock.monotonic() < this.notBefore) return;
    // After `not-open` the epoch is not lost: its builder may be about to open it.
    const lost = signal === 'not-open' ? epoch - 1 : epoch;
    this.rebuilding = this.rebuild(lost, signal).finally(() => {
      this.rebuilding = null;
    });
  }

  /**
   * Something may end every new epoch at once: another application on the same Redis, or processes that use two of
   * them. To rebuild without a pause would then keep closing a gate that some processes can still use.
   */
  private backOffIfShortLived(epoch: number): void {
    const shortLived = this.watch.openedWithin(SHORT_LIVED_MS, epoch);
    this.shortLivedInARow = shortLived ? this.shortLivedInARow + 1 : 0;
    if (this.shortLivedInARow > TOLERATED_SHORT_EPOCHS) this.backOff();
  }

  /** Never rejects. After the back-off the next fence signal tries again; the watch sends one each beat. */
  private async rebuild(lost: number, signal: FenceSignal): Promise<void> {
    try {
      if (signal !== 'not-open') await this.logReason(`epoch ${lost} of the gate cannot be trusted: ${signal}`);
      await this.rebuilder.rebuild(lost);
      await this.watch.refresh();
      // Another process may be rebuilding. That is not a success yet: keep our failure count.
      if (this.watch.pass !== null) this.failures = 0;
    } catch (error) {
      this.failures += 1;
      this.backOff();
      await this.logReason(`the gate could not be rebuilt: ${(error as Error).message}`);
    }
  }

  /** The attempts follow one another within seconds, for as long as a server is away. */
  private logReason(text: string): Promise<void> {
    return this.reasons.run(text, async () => this.logger.error(text));
  }

  /**
   * The back-off may be 0 ms. It does not decide which builder goes first: the rebuilder does (`STAND_BACK_MS`), by the
   * database's clock.
   */
  private backOff(): void {
    const tooMany = Math.max(0, this.shortLivedInARow - TOLERATED_SHORT_EPOCHS);
    const longest = Math.min(MAX_BACKOFF_MS, 500 * 2 ** Math.min(this.failures + tooMany, 10));
    this.notBefore = this.clock.monotonic() + this.entropy.fraction() * longest;
  }

  private async reconcile(): Promise<void> {
    try {
      if (await this.reconciler.reconcile()) this.comparing.recovered('gate and database are compared again');
    } catch (error) {
      this.comparing.failed(`gate and database cannot be compared: ${(error as Error).message}`);
    }
  }
}
