import { Logger } from '@nestjs/common';
import { type ClaimReference } from '../../domain/claim.js';
import { type Clock } from '../../platform/flow/clock.js';
import { type Entropy } from '../../platform/flow/entropy.js';
import { type OutageLog } from '../../platform/flow/outage-log.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { type Timers } from '../../platform/flow/timers.js';
import { type SampledSpan } from '../../platform/tracing/sampled-span.js';
import { type DatabaseError } from '../../ports/database/database-error.js';
import { type GatePass, type IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { type ClaimBatchContext } from '../../ports/log/claim-batch.context.js';
import { type ConsumerSettings } from './consumer-settings.js';
import { failureClassOf } from './failure-class.js';

/** How long it may take to notice that the batch was taken away while waiting, ms. */
const NOTICE_MS = 100;

/** The consumer stops work on a batch: the batch was revoked, or the database was away for too long. */
export class BatchAbandoned extends Error {}

/** One batch while the consumer works on it: keeps it by heartbeats, waits out failures, clears pending entries. */
export class ClaimBatch {
  /** If a claim in it is traced. */
  span: SampledSpan | undefined;
  private readonly logger = new Logger(ClaimBatch.name);
  private readonly beats: PeriodicTask;
  private beating: Promise<void> | null = null;
  private taken = false;
  /** Failures since the last commit, and when the first of them was noticed, monotonic, ms. */
  private failures = 0;
  private failingSince = 0;
  /** Calls to the gate run beside the next chunk; the batch ends after the last of them. */
  private clearing: Promise<void> = Promise.resolve();
  /** After one failed call the sweeper clears the rest. Otherwise each chunk would wait for a gate that is away. */
  private gateAway = false;

  /** @param outage of all batches together: the database takes none of them. */
  constructor(
    readonly context: ClaimBatchContext,
    private readonly gate: IssuanceGate,
    private readonly outage: OutageLog,
    private readonly settings: ConsumerSettings,
    private readonly clock: Clock,
    private readonly timers: Timers,
    private readonly entropy: Entropy,
  ) {
    // A timer of its own, because one statement may take longer than a consumer may be silent. The answer is not
    // awaited: a slow one must not delay the next beat.
    this.beats = new PeriodicTask(timers, settings.heartbeatMs, () => void this.beat());
    this.beats.start();
  }

  /** The process shuts down, or another consumer has the partition. The log delivers again what is not settled by now. */
  get lost(): boolean {
    return this.taken || this.context.revoked;
  }

  /** Sends a heartbeat now, and finds out whether the batch is still ours. */
  beat(): Promise<void> {
    this.beating ??= this.sendHeartbeat().finally(() => (this.beating = null));
    return this.beating;
  }

  /**
   * Waits before the next try, longer after each failure.
   * @throws BatchAbandoned when the batch is lost or the database has been away for too long, and the error when it is
   * a mistake of ours.
   */
  async waitOut(error: unknown): Promise<void> {
    if (failureClassOf(error) === 'defect') throw error;
    const { minWaitMs, maxWaitMs, giveUpAfterMs } = this.settings;
    const now = this.clock.monotonic();
    const { code, message } = error as DatabaseError;
    this.outage.failed(`claims cannot be persisted, and wait: ${code}: ${message}`);
    if (this.failures === 0) this.failingSince = now;
    this.failures += 1;
    const patience = giveUpAfterMs - (now - this.failingSince);
    if (patience <= 0) throw new BatchAbandoned();
    // Full jitter: consumers that failed together do not come back together.
    const longest = Math.min(maxWaitMs, minWaitMs * 2 ** this.failures);
    await this.rest(Math.min(patience, minWaitMs + this.entropy.fraction() * (longest - minWaitMs)));
    if (this.lost) throw new BatchAbandoned();
  }

  /** Ends early when the batch is lost. */
  async rest(ms: number): Promise<void> {
    for (let left = ms; left > 0 && !this.lost; left -= NOTICE_MS) {
      await this.timers.sleep(Math.min(left, NOTICE_MS));
    }
  }

  /** To be called after each commit: the database works. */
  committed(): void {
    this.failures = 0;
    this.outage.recovered('claims are persisted again');
  }

  /** Best effort, beside the next chunk: the sweeper finds what stays pending. */
  clearPending(pass: GatePass | null, claims: readonly ClaimReference[]): void {
    if (pass === null || claims.length === 0) return;
    this.clearing = this.clearing.then(async () => {
      if (this.gateAway) return;
      try {
        await this.gate.clearPending(pass, claims);
      } catch (error) {
        this.gateAway = true;
        this.logger.debug(`pending claims are left to the sweeper: ${(error as Error).message}`);
      }
    });
  }

  async end(): Promise<void> {
    await this.clearing;
    await this.beats.stop();
    await this.beating;
  }

  private async sendHeartbeat(): Promise<void> {
    try {
      await this.context.heartbeat();
    } catch {
      // A rebalance. The transport knows it too, and does with its client what has to be done.
      this.taken = true;
    }
  }
}
