import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '../persistence/database.js';
import { type GateRow } from '../persistence/gate-row-store.js';
import { type FenceReason, type GatePass, IssuanceGate } from './issuance-gate.js';

/** How often the gate row is read and the gate is pinged, ms. */
export const WATCH_INTERVAL_MS = 500;
/** A read that takes longer counts as a database that does not answer, ms. */
const READ_TIMEOUT_MS = 800;
/** A 202 needs a read of the gate row that was started no longer ago than this, ms. */
const FRESH_MS = 1_000;

/** What was known when the last read of the gate row came back. */
interface Sighting {
  readonly startedAt: Instant;
  readonly pass: GatePass | null;
  readonly epoch: number;
}

/** The larger of two clocks' differences is the time that passed: a suspended machine stops the monotonic one. */
interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

function instant(): Instant {
  return { monotonic: performance.now(), wall: Date.now() };
}

function elapsedMs(since: Instant): number {
  return Math.max(performance.now() - since.monotonic, Date.now() - since.wall);
}

/** `fenced`: the gate answered that its memory is gone; the epoch is the one that was seen so. */
export type FenceListener = (seenEpoch: number, reason: FenceReason | 'not-open') => void;

/**
 * Knows which epoch is open, and so whether an answer may still be sent under it.
 *
 * A rebuild waits until no 202 of an older epoch can leave any process. That only works because every api asks here
 * before each 202: without the check, an api that slept through a rebuild would promise a coupon that the new gate has
 * already given to somebody else.
 */
@Injectable()
export class EpochWatch implements OnApplicationShutdown {
  private readonly logger = new Logger(EpochWatch.name);
  private sighting: Sighting | null = null;
  private reading: { startedAt: Instant; done: Promise<boolean> } | null = null;
  /** A gate call failed since the last good read: the last epoch may not be relied on while the database is away. */
  private gateTroubledSince: Instant | null = null;
  private fenced: { epoch: number; reason: FenceReason } | null = null;
  private timer: NodeJS.Timeout | undefined;
  private beat: Promise<void> = Promise.resolve();
  private stopped = false;
  private databaseAway = false;
  private readonly listeners: FenceListener[] = [];

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(IssuanceGate) private readonly gate: IssuanceGate,
  ) {}

  /** The recovery's entry: called for every fence that is met, also repeatedly for the same one. */
  onFence(listener: FenceListener): void {
    this.listeners.push(listener);
  }

  /** Starts reading and pinging. The first read is awaited, but its failure is not an error: the database may come later. */
  async start(): Promise<void> {
    await this.tick();
    this.schedule();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.beat;
  }

  /** The pass of the open epoch, or null when no epoch is open or the open one is known to be fenced. */
  get pass(): GatePass | null {
    const pass = this.sighting?.pass ?? null;
    return pass !== null && this.fenced?.epoch === pass.epoch ? null : pass;
  }

  /** For readiness and metrics. `unknown`: the gate row was never read. */
  get state(): { state: 'open' | 'fenced' | 'unknown'; epoch: number | null; databaseAway: boolean } {
    const state = this.pass !== null ? 'open' : this.sighting === null ? 'unknown' : 'fenced';
    return { state, epoch: this.sighting?.epoch ?? null, databaseAway: this.databaseAway };
  }

  /** Somebody met a fence under this epoch. Until the epoch moves on or a ping succeeds, nothing is admitted. */
  reportFence(epoch: number, reason: FenceReason): void {
    if (this.sighting !== null && epoch < this.sighting.epoch) return;
    this.fenced = { epoch, reason };
    for (const listener of this.listeners) listener(epoch, reason);
  }

  /** A gate call timed out, or its connection was lost: until the next good read, silence proves nothing. */
  reportGateTrouble(): void {
    this.gateTroubledSince = instant();
  }

  /**
   * May an answer be sent that promises something under this epoch? True only with a read of the gate row that was
   * started at most 1 s ago and showed this epoch open; or, while the database does not answer, when every gate call
   * since the last good read succeeded.
   */
  async confirms(epoch: number): Promise<boolean> {
    const last = this.sighting;
    if (last !== null && elapsedMs(last.startedAt) <= FRESH_MS) return last.pass?.epoch === epoch;
    const answered = await this.refresh();
    const seen = this.sighting;
    if (seen?.pass?.epoch !== epoch) return false;
    if (answered) return elapsedMs(seen.startedAt) <= FRESH_MS || this.confirms(epoch);
    return this.gateTroubledSince === null;
  }

  /** Reads the gate row now; false when the database does not answer. A read that is under way and fresh is shared. */
  async refresh(): Promise<boolean> {
    if (this.reading === null || elapsedMs(this.reading.startedAt) > FRESH_MS / 2) {
      const startedAt = instant();
      const reading = { startedAt, done: this.readRow(startedAt) };
      this.reading = reading;
      void reading.done.finally(() => {
        if (this.reading === reading) this.reading = null;
      });
    }
    return this.reading.done;
  }

  private async readRow(startedAt: Instant): Promise<boolean> {
    let row: GateRow;
    try {
      row = await withTimeout(
        this.database.read((unit) => unit.gate.read()),
        READ_TIMEOUT_MS,
      );
    } catch (error) {
      if (!this.databaseAway) this.logger.warn(`the gate row cannot be read: ${(error as Error).message}`);
      this.databaseAway = true;
      return false;
    }
    if (this.databaseAway) this.logger.log('the gate row can be read again');
    this.databaseAway = false;
    this.see(startedAt, row);
    return true;
  }

  private see(startedAt: Instant, row: GateRow): void {
    // Two reads may come back in the wrong order; an epoch never goes down.
    if (this.sighting !== null && row.epoch < this.sighting.epoch) return;
    const pass = row.fence === null ? null : { epoch: row.epoch, fence: row.fence };
    this.sighting = { startedAt, pass, epoch: row.epoch };
    if (this.fenced !== null && this.fenced.epoch < row.epoch) this.fenced = null;
    if (this.gateTroubledSince !== null && this.gateTroubledSince.monotonic < startedAt.monotonic) {
      this.gateTroubledSince = null;
    }
  }

  private async tick(): Promise<void> {
    const answered = await this.refresh();
    const seen = this.sighting;
    if (seen === null) return;
    if (seen.pass === null) {
      // Closed, and perhaps its builder died: the recovery finds out whether a lease is held.
      if (answered) for (const listener of this.listeners) listener(seen.epoch, 'not-open');
      return;
    }
    try {
      const outcome = await this.gate.ping(seen.pass);
      if (outcome !== 'ok') this.reportFence(seen.pass.epoch, outcome.reason);
      else if (this.fenced?.reason === 'fence-missing' && this.fenced.epoch === seen.pass.epoch) this.fenced = null;
    } catch {
      this.reportGateTrouble();
    }
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.beat = this.tick()
        .catch((error: unknown) => this.logger.error(error))
        .finally(() => this.schedule());
    }, WATCH_INTERVAL_MS);
  }
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
