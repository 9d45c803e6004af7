import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, type Instant } from '../../platform/flow/clock.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { Database } from '../../ports/database/database.js';
import { type Fenced, type GatePass, type GateScript, GateUnavailableError } from '../../ports/gate/issuance-gate.js';
import { UnwatchedGate } from '../../ports/gate/unwatched-gate.js';
import { EpochConfirmations } from './epoch-confirmations.js';
import { type FenceListener, type FenceSignal, type FoundFence } from './fence-signal.js';
import { CALL_TIMEOUT_MS, GateRowReader, type Sighting } from './gate-row-reader.js';
import { type KnownGate } from './known-gate.js';

/** How often the gate row is read and the gate is pinged, ms. */
export const WATCH_INTERVAL_MS = 500;

/** See the table at `EpochWatch`. */
type WatchState = 'unknown' | 'open' | 'doubted' | 'fenced' | 'closed' | 'went-back';

interface KnownFence {
  readonly epoch: number;
  readonly reason: FoundFence;
  readonly since: Instant;
}

/**
 * Knows which epoch is open, and so whether an answer may still be sent under it.
 *
 * A rebuild waits until no 202 of an older epoch can leave any process. That only works because every api asks the
 * watch before each 202. Without this check, an api that slept through a rebuild would promise a coupon that the new
 * gate has already given to another user.
 *
 * The state follows from the last read of the gate row, and from what gate calls have met since:
 *
 * | state       | what the watch knows                          | what a 202 under the row's epoch needs            |
 * | ----------- | --------------------------------------------- | ------------------------------------------------- |
 * | `unknown`   | no read of the row was answered yet           | a read after the claim became durable             |
 * | `open`      | the row has a fence, and gate calls succeed   | the same, or a silent database                    |
 * | `doubted`   | as `open`, but a gate call has failed since   | a read after the claim became durable             |
 * | `fenced`    | as `open`, but a gate call has met a fence    | never leaves: a rebuild is called for             |
 * | `closed`    | the row has no fence: a builder is at work    | never leaves                                      |
 * | `went-back` | the row is older than an epoch that was seen  | never leaves: the database was restored           |
 *
 * | from              | what happens                                                    | to                          |
 * | ----------------- | --------------------------------------------------------------- | --------------------------- |
 * | `open`            | a gate call fails, or the gate gets a new connection            | `doubted`                   |
 * | `doubted`         | a read is answered that started later                           | `open`                      |
 * | `open`, `doubted` | a gate call meets a fence                                       | `fenced`                    |
 * | `fenced`          | only the fence was missing, and a later ping finds it back      | `doubted`                   |
 * | any               | a read shows a higher epoch, or that this one has opened        | `open`, `doubted`, `closed` |
 * | any               | a read that started after the last was answered shows an older row | `went-back`              |
 */
@Injectable()
export class EpochWatch implements OnApplicationShutdown {
  private readonly logger = new Logger(EpochWatch.name);
  private readonly row: GateRowReader;
  /** When a gate call last failed; null once a later read was answered. An older read proves nothing about the epoch. */
  private doubtedSince: Instant | null = null;
  /** The last fence that a gate call met; it counts while the row shows its epoch. */
  private fence: KnownFence | null = null;
  /** Why the gate could not be used at the last call, in plain words; null while it can. */
  private gateTrouble: string | null = null;
  private script: GateScript | null = null;
  /** When the gate last refused a claim: the answer to an earlier ping does not disprove that. */
  private gateRefusedAt: Instant | null = null;
  private readonly confirmations: EpochConfirmations;
  private readonly beats: PeriodicTask;
  private beat: Promise<void> = Promise.resolve();
  private started = false;
  private stopped = false;
  private readonly listeners: FenceListener[] = [];

  constructor(
    private readonly database: Database,
    private readonly gate: UnwatchedGate,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {
    this.row = new GateRowReader(database, clock, timers, (latest) => this.forgetBefore(latest));
    this.confirmations = new EpochConfirmations(
      () => this.readUnlessSilent(),
      (epoch, answered) => (answered ? this.pass?.epoch === epoch : this.isOpen(epoch)),
      timers,
    );
    this.beats = new PeriodicTask(timers, WATCH_INTERVAL_MS, () => this.look());
    this.gate.onReconnected(() => {
      this.beat = Promise.all([this.beat, this.gateReconnected()]).then(() => undefined);
    });
  }

  /**
   * Registers the recovery. The watch calls it for every fence that a gate call meets, and every 500 ms while the fence
   * lasts: no claim reaches a fenced gate, so after a failed rebuild nothing else would start the next one.
   */
  onFence(listener: FenceListener): void {
    this.listeners.push(listener);
  }

  /** Starts reading and pinging. Waits for the first read; its failure is no error, since the database may come later. */
  async start(): Promise<void> {
    if (this.started) return;
    this.started = true;
    this.beat = this.look();
    await this.beat;
    this.beats.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await Promise.all([this.beats.stop(), this.beat]);
  }

  private get sighting(): Sighting | null {
    return this.row.latest;
  }

  private get current(): WatchState {
    const seen = this.sighting;
    if (seen === null) return 'unknown';
    if (seen.pass === null) return seen.wentBack ? 'went-back' : 'closed';
    if (this.fence?.epoch === seen.epoch) return 'fenced';
    return this.doubtedSince === null ? 'open' : 'doubted';
  }

  /** The pass of the open epoch, or null when no epoch is open or the open one is known to be fenced. */
  get pass(): GatePass | null {
    return this.current === 'fenced' ? null : (this.sighting?.pass ?? null);
  }

  get state(): KnownGate {
    const state = this.pass !== null ? 'open' : this.sighting === null ? 'unknown' : 'fenced';
    const { gateTrouble } = this;
    const script = state === 'open' ? this.script : null;
    return { state, epoch: this.sighting?.epoch ?? null, databaseAway: this.row.databaseAway, gateTrouble, script };
  }

  /** Did this epoch open no longer ago than `ms`? False when no read has seen it open, as right after the start. */
  openedWithin(ms: number, epoch: number): boolean {
    return this.row.openedWithin(ms, epoch);
  }

  /** A gate call met a fence under this epoch. The api admits no claim until the epoch moves on or the fence is back. */
  reportFence(epoch: number, reason: FoundFence): void {
    if (this.sighting !== null && epoch < this.sighting.epoch) return;
    // A fenced call has failed too: while the database is away, another process may have ended the epoch.
    this.reportGateTrouble();
    // Damage to the memory counts for longer than a missing fence: a fence may come back, a lost claim does not.
    const damaged = this.fence?.epoch === epoch && this.fence.reason !== 'fence-missing';
    if (!damaged) this.fence = { epoch, reason, since: this.clock.now() };
    this.notify(epoch, reason);
  }

  /**
   * For a fence at one campaign, from a caller that does not know how old the campaign's row is. Such a caller must not
   * report a missing meta: a campaign that was stored a moment ago has none yet (`CAMPAIGN_OPENING_MS`), and closing
   * the gate would end the epoch of every other campaign too. The reconciler knows the age and reports a lost meta.
   */
  reportCampaignFence({ epoch }: GatePass, { reason }: Fenced): void {
    if (reason !== 'meta-missing') this.reportFence(epoch, reason);
  }

  /** A gate call timed out, its connection was lost or its role changed: earlier reads of the row prove nothing. */
  reportGateTrouble(): void {
    this.doubtedSince = this.clock.now();
  }

  /** The gate has refused a claim, and did nothing. Known until the next ping succeeds. */
  reportGateRefusal({ message }: GateUnavailableError): void {
    this.reportGateTrouble();
    this.gateRefusedAt = this.clock.now();
    this.gateTrouble = message;
  }

  /** The gate has a new connection: behind it may be another server, or an empty one. */
  async gateReconnected(): Promise<void> {
    this.reportGateTrouble();
    if (!this.stopped) await this.look();
  }

  /**
   * As {@link confirmOpen}, but without a read, where a read would prove nothing more: no other process can rebuild, and
   * this one rebuilds only after the watch has met a fence. False says only that the caller has to ask `confirmOpen`.
   */
  isSurelyOpen(epoch: number): boolean {
    return !this.database.isShared && this.isOpen(epoch);
  }

  /**
   * May a 202 leave under this epoch? Ask after the claim became durable. True in two cases only. Either a read of the
   * gate row that was started after this call has shown the epoch open. Then no rebuild had begun when the claim became
   * durable, so the claim lies before the cut of every later one, whatever any clock shows. Or the database does not
   * answer, and every gate call since the last answered read succeeded.
   *
   * Never true under an epoch that is known to be fenced, however late the read: the watch has called for a rebuild, and
   * a builder that is alone does not wait before it takes the log's end.
   *
   * Answers within `CONFIRM_TIMEOUT_MS`. No claim has a timer of its own, and those that ask during a read share the
   * next one.
   */
  confirmOpen(epoch: number): Promise<boolean> {
    // Not even a later read can bring a past epoch back.
    // mutant: unwatched-answer
    if (this.sighting !== null && this.sighting.epoch > epoch) return Promise.resolve(false);
    return this.confirmations.ask(epoch);
  }

  /** For {@link confirmOpen}; false when the database does not answer. */
  private async readUnlessSilent(): Promise<boolean> {
    // Without trouble at the gate, a database that was silent a moment ago need not be asked again: each 202 would wait
    // for its timeout.
    const silent = this.doubtedSince === null && this.row.unansweredRecently;
    // mutant: early-read
    const answered = silent ? false : await this.row.readNow();
    // If it was not answered, `isOpen` decides. A database that is silent to us may answer a builder, so the epoch may be over already. The promise is good even
    // then, for two reasons together. First, the gate admitted the claim before the builder dropped the epoch: a claim
    // that finds no meta is fenced, and `ClaimIssuance` never asks about it here. (A ping would not notice, because the
    // epoch's fence outlives its keys.) Second, the claim was durable within D of being sent, by both clocks, as
    // `ClaimIssuance` checks. The builder takes the log's end W > D after the drop, so the claim lies before it. After
    // trouble at the gate this does not hold: another server than the dropped one may have admitted the claim.
    return answered;
  }

  /** Reads the gate row; false when the database does not answer. */
  refresh(): Promise<boolean> {
    return this.row.refresh();
  }

  /** A fence of an older epoch and trouble from before this read mean nothing any more. */
  private forgetBefore({ epoch, startedAt }: Sighting): void {
    if (this.fence !== null && this.fence.epoch < epoch) this.fence = null;
    if (this.doubtedSince !== null && this.doubtedSince.monotonic < startedAt.monotonic) this.doubtedSince = null;
  }

  /** One beat: reads the row, pings the gate, and calls the recovery while there is something to recover. */
  private async look(): Promise<void> {
    // mutant: unwatched-beat
    const answered = await this.refresh();
    const seen = this.sighting;
    if (seen === null) return;
    if (seen.pass === null) {
      // The builder may have died: the recovery finds out whether a lease is held.
      if (answered) this.notify(seen.epoch, seen.wentBack ? 'epoch-went-back' : 'not-open');
      return;
    }
    const met = await this.ping(seen.pass);
    // No claim reaches a fenced gate, so only this beat can repeat the call.
    const { fence } = this;
    if (met || !answered || fence?.epoch !== seen.pass.epoch) return;
    this.notify(fence.epoch, fence.reason);
  }

  /** Asks whether the gate accepts the epoch and could write claims. @returns true when it reported a fence. */
  private async ping(pass: GatePass): Promise<boolean> {
    const sentAt = this.clock.now();
    try {
      const [ping, written] = await withDeadline(
        Promise.all([this.gate.ping(pass), this.gate.checkWritable().catch((error: Error) => error)]),
        CALL_TIMEOUT_MS,
        this.timers,
      );
      if (ping.kind !== 'ok') {
        this.reportFence(pass.epoch, ping.reason);
        return true;
      }
      this.script = ping.script ?? null;
      if (written instanceof Error) throw written;
      if (this.gateRefusedAt === null || this.gateRefusedAt.monotonic <= sentAt.monotonic) this.gateTrouble = null;
    } catch (error) {
      this.gateTrouble = error instanceof GateUnavailableError ? error.message : 'the gate does not answer';
      this.reportGateTrouble();
      return false;
    }
    // The server that lost the fence is gone, and the one with this epoch's memory is back. Only a missing fence heals
    // like this, and only by a ping that was sent after the fence was met.
    const { fence } = this;
    if (fence?.epoch === pass.epoch && fence.reason === 'fence-missing' && fence.since.monotonic <= sentAt.monotonic) {
      this.fence = null;
    }
    return false;
  }

  private notify(epoch: number, signal: FenceSignal): void {
    for (const listener of this.listeners) {
      // This runs in the middle of a claim: an error of the recovery must not become an error of the claim.
      try {
        listener(epoch, signal);
      } catch (error) {
        this.logger.error(error);
      }
    }
  }

  /** Is this epoch open, and has every gate call succeeded since the read that showed it? */
  private isOpen(epoch: number): boolean {
    return this.current === 'open' && this.sighting?.epoch === epoch;
  }
}
