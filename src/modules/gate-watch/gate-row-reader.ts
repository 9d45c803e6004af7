import { Logger } from '@nestjs/common';
import { type Clock, type Instant } from '../../platform/flow/clock.js';
import { type Timers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { type Database } from '../../ports/database/database.js';
import { type GateEpoch } from '../../ports/database/gate-row-store.js';
import { passOf } from '../../ports/gate/gate-pass.js';
import { type GatePass } from '../../ports/gate/issuance-gate.js';

/** A call of the watch that takes longer counts as a server that does not answer, ms. */
export const CALL_TIMEOUT_MS = 800;
/** For so long after a read that was not answered the database counts as silent, ms. */
const SILENT_MS = 1_000;
/** The beat shares a read under way that was started no longer ago than this, ms. */
const SHARED_MS = 500;

/** What is known of the gate row, and from when. */
export interface Sighting {
  /** When the read was sent: what it shows was true at this moment or later. */
  readonly startedAt: Instant;
  /** When its answer arrived: a read that starts after this sees no older row, unless the database itself went back. */
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

/** Reads the gate row for the watch, and knows which read shows the newest state when several overlap. */
export class GateRowReader {
  private readonly logger = new Logger(GateRowReader.name);
  private sighting: Sighting | null = null;
  private opening: Opening | null = null;
  private reading: { startedAt: Instant; done: Promise<boolean> } | null = null;
  /** When the last read that was not answered gave up; null once one was answered. */
  private unansweredAt: Instant | null = null;

  /** @param onSeen called after each read that changed `latest`. */
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly timers: Timers,
    private readonly onSeen: (latest: Sighting) => void,
  ) {}

  /** null: no read was answered yet. */
  get latest(): Sighting | null {
    return this.sighting;
  }

  get databaseAway(): boolean {
    return this.unansweredAt !== null;
  }

  /** Did the database leave a read unanswered a moment ago? */
  get unansweredRecently(): boolean {
    return this.unansweredAt !== null && this.clock.elapsedMs(this.unansweredAt) <= SILENT_MS;
  }

  /** Did this epoch open no longer ago than `ms`? False when no read has seen it open, as right after the start. */
  openedWithin(ms: number, epoch: number): boolean {
    return this.opening?.epoch === epoch && this.clock.elapsedMs(this.opening.after) <= ms;
  }

  /** Reads the row, or shares a read that was started in the last 500 ms; false when the database does not answer. */
  refresh(): Promise<boolean> {
    const { reading } = this;
    if (reading !== null && this.clock.elapsedMs(reading.startedAt) <= SHARED_MS) return reading.done;
    return this.readNow();
  }

  /** As {@link refresh}, by a read that starts with this call: what it shows was true after the call or later. */
  async readNow(): Promise<boolean> {
    const startedAt = this.clock.now();
    const started = { startedAt, done: this.read(startedAt) };
    this.reading = started;
    const answered = await started.done;
    if (this.reading === started) this.reading = null;
    return answered;
  }

  private async read(startedAt: Instant): Promise<boolean> {
    let row: GateEpoch;
    try {
      row = await withDeadline(this.database.readEpoch(), CALL_TIMEOUT_MS, this.timers);
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

  private see(startedAt: Instant, row: GateEpoch): void {
    const last = this.sighting;
    let seen: Sighting = {
      startedAt,
      finishedAt: this.clock.now(),
      pass: passOf(row),
      epoch: row.epoch,
      wentBack: false,
    };
    if (last !== null && isBehind(row, last)) {
      // Two reads that overlap may come back in the wrong order: then the older row is only late.
      if (startedAt.monotonic <= last.finishedAt.monotonic) return;
      if (!last.wentBack) this.logger.error(`the gate row went back from epoch ${last.epoch} to ${row.epoch}`);
      // The database was restored. No 202 may leave under an epoch of its past; a rebuild takes a higher epoch.
      seen = { ...seen, pass: null, epoch: last.epoch, wentBack: true };
    } else if (last !== null && sameRow(last, seen) && last.startedAt.monotonic > startedAt.monotonic) {
      return;
    }
    this.sighting = seen;
    const opened = seen.pass?.epoch;
    if (last !== null && opened !== undefined && opened !== last.pass?.epoch) {
      this.opening = { epoch: opened, after: last.startedAt };
    }
    this.onSeen(seen);
  }
}

/** An epoch opens once and never closes again: a rebuild begins the next one. */
function isBehind(row: GateEpoch, last: Sighting): boolean {
  if (row.epoch !== last.epoch) return row.epoch < last.epoch;
  // After the database went back, only a higher epoch ends that state, whatever this epoch's row shows.
  return last.wentBack || (row.fence === null && last.pass !== null);
}

function sameRow(a: Sighting, b: Sighting): boolean {
  return a.epoch === b.epoch && a.pass?.fence === b.pass?.fence;
}
