import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Clock, type Instant } from '../../platform/flow/clock.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { Database } from '../../ports/database/database.js';
import { type GateRow } from '../../ports/database/gate-row-store.js';
import { passOf } from '../../ports/gate/gate-pass.js';
import { type Fenced, type FenceReason, type GatePass, GateUnavailableError } from '../../ports/gate/issuance-gate.js';
import { UnwatchedGate } from '../../ports/gate/unwatched-gate.js';

/** How often the gate row is read and the gate is pinged, ms. */
export const WATCH_INTERVAL_MS = 500;
/** A read or a ping that takes longer counts as a server that does not answer, ms. */
const CALL_TIMEOUT_MS = 800;
/** A 202 needs a read of the gate row that was started no longer ago than this, ms. */
const FRESH_MS = 1_000;
/** Reads that one confirmation may ask for: a second one when the first came back too late to prove anything. */
const MAX_READS = 2;

/** What is known of the gate row, and from when. */
interface Sighting {
  /** When the read was sent: what it shows was true at this moment or later. */
  readonly startedAt: Instant;
  /** When its answer was here: a read that starts after this sees no older row, unless the database itself went back. */
  readonly finishedAt: Instant;
  readonly pass: GatePass | null;
  readonly epoch: number;
  /** The row is behind an epoch that was seen before: a restored database. */
  readonly wentBack: boolean;
}

/** An epoch that was seen to open, and a moment at which it was not open yet. */
interface Opening {
  readonly epoch: number;
  readonly after: Instant;
}

/** See the table at `EpochWatch`. */
type WatchState = 'unknown' | 'open' | 'doubted' | 'fenced' | 'closed' | 'went-back';

interface KnownFence {
  readonly epoch: number;
  readonly reason: FenceReason;
  readonly since: Instant;
}

/**
 * Why the recovery is called: what the gate answered; or `not-open`, the row shows this epoch without a fence; or
 * `epoch-went-back`, the row is older than this epoch, which was seen before.
 */
export type FenceSignal = FenceReason | 'not-open' | 'epoch-went-back';

export type FenceListener = (seenEpoch: number, signal: FenceSignal) => void;

/**
 * Knows which epoch is open, and so whether an answer may still be sent under it.
 *
 * A rebuild waits until no 202 of an older epoch can leave any process. That only works because every api asks here
 * before each 202: without the check, an api that slept through a rebuild would promise a coupon that the new gate has
 * already given to somebody else.
 *
 * The state follows from the last read of the gate row, and from what gate calls have met since:
 *
 * | state       | what the watch knows                          | what a 202 under the row's epoch needs            |
 * | ----------- | --------------------------------------------- | ------------------------------------------------- |
 * | `unknown`   | no read of the row was answered yet           | a read                                            |
 * | `open`      | the row has a fence, and gate calls succeed   | a read of the last second, or a silent database   |
 * | `doubted`   | as `open`, but a gate call has failed since   | a read that starts after the failure              |
 * | `fenced`    | as `open`, but a gate call has met a fence    | never leaves: a rebuild is called for             |
 * | `closed`    | the row has no fence: a builder is at work    | a read that shows it open                         |
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
  private sighting: Sighting | null = null;
  private opening: Opening | null = null;
  private reading: { startedAt: Instant; done: Promise<boolean> } | null = null;
  /** When the last read that was not answered gave up; null once one was answered. */
  private unansweredAt: Instant | null = null;
  /** When a gate call last failed, until a read that was started later came back: nothing older proves the epoch. */
  private doubtedSince: Instant | null = null;
  /** The fence that was met last; it counts while the row shows its epoch. */
  private fence: KnownFence | null = null;
  /** Why the gate was of no use when it was last asked, in plain words; null while it is. */
  private gateTrouble: string | null = null;
  /** When it last refused a claim: an answer to an earlier question says nothing against that. */
  private gateRefusedAt: Instant | null = null;
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
    this.beats = new PeriodicTask(timers, WATCH_INTERVAL_MS, () => this.look());
    this.gate.onReconnected(() => {
      this.beat = Promise.all([this.beat, this.gateReconnected()]).then(() => undefined);
    });
  }

  /**
   * The recovery's entry. The watch calls it for every fence that a gate call meets, and every 500 ms while the fence lasts:
   * no claim reaches a fenced gate, so nothing else would start a rebuild again that has failed.
   */
  onFence(listener: FenceListener): void {
    this.listeners.push(listener);
  }

  /** Starts reading and pinging. The first read is awaited, but its failure is not an error: the database may come later. */
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

  /** For readiness and metrics. `unknown`: the gate row was never read. */
  get state(): {
    state: 'open' | 'fenced' | 'unknown';
    epoch: number | null;
    databaseAway: boolean;
    /** Why the gate neither answers nor takes anything, in plain words. */
    gateTrouble: string | null;
  } {
    const state = this.pass !== null ? 'open' : this.sighting === null ? 'unknown' : 'fenced';
    const { gateTrouble } = this;
    return { state, epoch: this.sighting?.epoch ?? null, databaseAway: this.unansweredAt !== null, gateTrouble };
  }

  /** Did this epoch open no longer ago than `ms`? No where that was not seen, as at a process's start. */
  openedWithin(ms: number, epoch: number): boolean {
    return this.opening?.epoch === epoch && this.clock.elapsedMs(this.opening.after) <= ms;
  }

  /** A gate call met a fence under this epoch. Until the epoch moves on or the fence is back, nothing is admitted. */
  reportFence(epoch: number, reason: FenceReason): void {
    if (this.sighting !== null && epoch < this.sighting.epoch) return;
    // A gate call that was fenced did not succeed either: with the database away, the epoch may be over elsewhere.
    this.reportGateTrouble();
    // Damage to the memory outlives a missing fence: the fence may come back, a lost claim does not.
    const damaged = this.fence?.epoch === epoch && this.fence.reason !== 'fence-missing';
    if (!damaged) this.fence = { epoch, reason, since: this.clock.now() };
    this.notify(epoch, reason);
  }

  /**
   * For a fence at one campaign, from a caller that did not look how old the campaign's row is. A missing meta is no fence
   * then: a campaign that was stored a moment ago has none (`CAMPAIGN_OPENING_MS`), and to close the gate over it would end
   * every other campaign's epoch too. The reconciler looks, and finds out whether one is lost.
   */
  reportCampaignFence({ epoch }: GatePass, { reason }: Fenced): void {
    if (reason !== 'meta-missing') this.reportFence(epoch, reason);
  }

  /** A gate call timed out, its connection was lost or its role changed: what was read before proves nothing any more. */
  reportGateTrouble(): void {
    this.doubtedSince = this.clock.now();
  }

  /** The gate has answered a claim with a refusal: what was under way is not done. Known until the next look finds it well. */
  reportGateRefusal({ message }: GateUnavailableError): void {
    this.reportGateTrouble();
    this.gateRefusedAt = this.clock.now();
    this.gateTrouble = message;
  }

  /** On every new connection to the gate: behind it there may be another server, or an emptied one. */
  async gateReconnected(): Promise<void> {
    this.reportGateTrouble();
    if (!this.stopped) await this.look();
  }

  /** As {@link confirmOpen}, by what is known already: false says only that it has to be asked. */
  isFreshlyOpen(epoch: number): boolean {
    return this.isOpen(epoch) && this.sighting !== null && this.isFresh(this.sighting);
  }

  /**
   * May an answer be sent that promises something under this epoch? True only with a read of the gate row that was
   * started at most 1 s ago, after the last trouble at the gate, and showed this epoch open; or, while the database does
   * not answer, when every gate call since the last good read succeeded. To be asked after the claim became durable.
   *
   * Never under an epoch that is known to be fenced, however fresh the read: a rebuild has been called for, and a builder
   * that is alone does not wait before it takes the log's end.
   */
  async confirmOpen(epoch: number): Promise<boolean> {
    // mutant: unwatched-answer
    for (let reads = 0; ; reads++) {
      const seen = this.sighting;
      if (seen !== null && this.doubtedSince === null && this.isFresh(seen)) return this.isOpen(epoch);
      // Not even a later read can bring a past epoch back.
      if (seen !== null && seen.epoch > epoch) return false;
      if (reads === MAX_READS) return false;
      // After trouble only a read helps; without, a database that was just silent need not keep every 202 waiting.
      const silent = this.doubtedSince === null && this.unansweredRecently();
      const answered = silent ? false : await this.refresh(this.doubtedSince);
      // A database that is silent to us may answer a builder, so the epoch may be over already. Two things together
      // make the promise good even then. The claim was admitted under this epoch, which was before the builder had
      // dropped it: a claim that finds no meta is FENCED and is never asked about here. (A ping would not notice; the
      // epoch's fence outlives its keys.) And the claim was durable within D of being sent, by both clocks, as
      // `ClaimIssuance` checks; the builder takes the log's end W > D after the drop, so the claim lies before it. Where W
      // is 0 the builder lives in this process, and the fence that called it is known here.
      // After trouble at the gate the claim may have been admitted by another server than the one that was dropped.
      if (!answered) return this.isOpen(epoch);
    }
  }

  /**
   * Reads the gate row now; false when the database does not answer. A read that is under way is shared when it was
   * started in the last 500 ms, and after `notBefore`.
   */
  async refresh(notBefore: Instant | null = null): Promise<boolean> {
    const { reading } = this;
    if (
      reading !== null &&
      this.clock.elapsedMs(reading.startedAt) <= FRESH_MS / 2 &&
      (notBefore === null || reading.startedAt.monotonic > notBefore.monotonic)
    ) {
      return reading.done;
    }
    const startedAt = this.clock.now();
    const started = { startedAt, done: this.readRow(startedAt) };
    this.reading = started;
    const answered = await started.done;
    if (this.reading === started) this.reading = null;
    return answered;
  }

  private async readRow(startedAt: Instant): Promise<boolean> {
    let row: GateRow;
    try {
      row = await withDeadline(
        this.database.readUrgently((unit) => unit.gate.read()),
        CALL_TIMEOUT_MS,
        this.timers,
      );
    } catch (error) {
      // An earlier read may fail after a later one was answered; that says nothing about now.
      if (this.sighting === null || this.sighting.startedAt.monotonic <= startedAt.monotonic) {
        if (this.unansweredAt === null) this.logger.warn(`the gate row cannot be read: ${(error as Error).message}`);
        this.unansweredAt = this.clock.now();
      }
      return false;
    }
    if (this.unansweredAt !== null) this.logger.log('the gate row can be read again');
    this.unansweredAt = null;
    this.see(startedAt, row);
    return true;
  }

  private see(startedAt: Instant, row: GateRow): void {
    const last = this.sighting;
    const seen: Sighting = {
      startedAt,
      finishedAt: this.clock.now(),
      pass: passOf(row),
      epoch: row.epoch,
      wentBack: false,
    };
    if (last !== null && isBehind(row, last)) {
      // Two reads that overlap may come back in the wrong order; the older row is simply late.
      if (startedAt.monotonic <= last.finishedAt.monotonic) return;
      if (!last.wentBack) this.logger.error(`the gate row went back from epoch ${last.epoch} to ${row.epoch}`);
      // The database was restored. Under no epoch of its past may anything be promised; a rebuild goes above them all.
      this.sighting = { ...seen, pass: null, epoch: last.epoch, wentBack: true };
    } else if (last !== null && sameRow(last, seen) && last.startedAt.monotonic > startedAt.monotonic) {
      return;
    } else {
      this.sighting = seen;
    }
    const opened = this.sighting.pass?.epoch;
    if (last !== null && opened !== undefined && opened !== last.pass?.epoch) {
      this.opening = { epoch: opened, after: last.startedAt };
    }
    if (this.fence !== null && this.fence.epoch < this.sighting.epoch) this.fence = null;
    if (this.doubtedSince !== null && this.doubtedSince.monotonic < startedAt.monotonic) this.doubtedSince = null;
  }

  /** One beat: reads, pings, and calls the recovery for as long as there is something to recover. */
  private async look(): Promise<void> {
    // mutant: unwatched-beat
    const answered = await this.refresh();
    const seen = this.sighting;
    if (seen === null) return;
    if (seen.pass === null) {
      // Closed, and perhaps its builder died: the recovery finds out whether a lease is held.
      if (answered) this.notify(seen.epoch, seen.wentBack ? 'epoch-went-back' : 'not-open');
      return;
    }
    const met = await this.ping(seen.pass);
    // No claim reaches a fenced gate, so only this beat can meet the fence again.
    const { fence } = this;
    if (met || !answered || fence?.epoch !== seen.pass.epoch) return;
    this.notify(fence.epoch, fence.reason);
  }

  /** Asks whether the epoch is let in and whether claims could be written. True when the ping met a fence, and reported it. */
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
      if (written instanceof Error) throw written;
      if (this.gateRefusedAt === null || this.gateRefusedAt.monotonic <= sentAt.monotonic) this.gateTrouble = null;
    } catch (error) {
      this.gateTrouble = error instanceof GateUnavailableError ? error.message : 'the gate does not answer';
      this.reportGateTrouble();
      return false;
    }
    // The server that lost the fence is gone again, and the one with this epoch's memory is back. Only a missing fence
    // heals so, and only by a ping that was sent after it was met.
    const { fence } = this;
    if (fence?.epoch === pass.epoch && fence.reason === 'fence-missing' && fence.since.monotonic <= sentAt.monotonic) {
      this.fence = null;
    }
    return false;
  }

  private notify(epoch: number, signal: FenceSignal): void {
    for (const listener of this.listeners) {
      // It is called in the middle of a claim: the recovery's trouble must not become the claim's.
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

  private isFresh({ startedAt }: Sighting): boolean {
    return this.clock.elapsedMs(startedAt) <= FRESH_MS;
  }

  private unansweredRecently(): boolean {
    return this.unansweredAt !== null && this.clock.elapsedMs(this.unansweredAt) <= FRESH_MS;
  }
}

/** An epoch opens once and never closes again: closing begins the next one. */
function isBehind(row: GateRow, last: Sighting): boolean {
  if (row.epoch !== last.epoch) return row.epoch < last.epoch;
  // A database that went back to this epoch itself shows what it shows: only a higher epoch ends that.
  return last.wentBack || (row.fence === null && last.pass !== null);
}

function sameRow(a: Sighting, b: Sighting): boolean {
  return a.epoch === b.epoch && a.pass?.fence === b.pass?.fence;
}
