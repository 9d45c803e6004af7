import { type LogOffsets } from '../log/claim-log.js';

/** The part of the gate row that says which gate is open. */
export interface GateEpoch {
  /** Rises with every rebuild; 0 before the first. */
  epoch: number;
  /** What a call must show to reach this epoch's gate (in Redis the SHA of the stamped script); null = not open. */
  fence: string | null;
  /** Names this installation: random, made once by a migration. It never changes. */
  installation: string;
}

/** The one row of table `gate`: which gate is open, and who is building the next one. */
export interface GateRow extends GateEpoch {
  /** Who rebuilds; null when nobody does. */
  builder: string | null;
  /** ms, by the database's clock; without a builder, when the last one gave its lease back. */
  leaseUntil: number | null;
  /** Since when an event on the log has to be signed, ms; null while unsigned ones are accepted, too. */
  signedSince: number | null;
}

/** The cut of an epoch: the log's end offsets at the moment from which the epochs below it count as over. */
export interface GateCut {
  epoch: number;
  offsets: LogOffsets;
  /** Which log the offsets are of (`ClaimLog.logId`). Missing where that was not known, as to the version before. */
  logId?: string;
}

/**
 * The gate row, seen from inside one transaction; always the first thing that a transaction locks.
 *
 * Its lock orders writers against a rebuild: while a writer holds a share of it, the epoch that it writes under stays
 * the current one.
 */
export abstract class GateRowStore {
  /** Reads without a lock: good enough to look, not to write. */
  abstract read(): Promise<GateRow>;
  abstract lockShared(): Promise<GateRow>;
  abstract lockExclusive(): Promise<GateRow>;

  /**
   * The epoch that is open, or was open last; 0 when none ever was. Also 0 when that is not known, because a version
   * that does not note it has begun the row's epoch.
   */
  abstract lastOpen(): Promise<number>;

  /**
   * Takes the lease under a new epoch and closes the gate. The caller holds the exclusive lock.
   *
   * @param lastOpen what {@link lastOpen} answers from now on until this epoch is open.
   */
  abstract beginEpoch(builder: string, epoch: number, leaseMs: number, lastOpen?: number): Promise<void>;

  /** Prolongs the lease; false when the row belongs to another builder by now. */
  abstract renewLease(builder: string, epoch: number, leaseMs: number): Promise<boolean>;

  /**
   * Ends the lease now and leaves the epoch without a builder, so that even a renewal that is still on its way does not
   * bring it back. Does nothing when the row is open, or belongs to another builder by now.
   */
  abstract giveLeaseBack(builder: string, epoch: number): Promise<void>;

  /** Opens the epoch and ends the lease. The caller holds the exclusive lock. */
  abstract open(epoch: number, fence: string): Promise<void>;

  abstract storeCut(cut: GateCut): Promise<void>;

  /** The cut of the lowest epoch above `epoch` that has one, or null. */
  abstract cutAbove(epoch: number): Promise<GateCut | null>;

  /** Every epoch that has a cut: those under which a builder of this installation may have written to the gate. */
  abstract epochsWithCut(): Promise<number[]>;

  /** From now on an event on the log has to be signed; or unsigned ones are accepted, too. */
  abstract demandSignatures(demanded: boolean): Promise<void>;
}
