import { type LoggedClaim } from '../../domain/claim.js';
import { type SampledSpan } from '../../platform/tracing/sampled-span.js';

/** One message of the log, as it lies there: bytes, so that a broken one can be kept as it was. */
export interface LogRecord {
  topic: string;
  partition: number;
  /** Position in the partition. A double is exact up to 2^53 messages. */
  offset: number;
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: Record<string, Uint8Array>;
  /**
   * Why a whole batch of messages cannot be read; this record stands for all of them. `offset` is that of the first
   * message, and the value has the bytes of the batch. Not set for a single message, whatever it holds.
   */
  unreadable?: string;
}

/**
 * Who has written a message:
 * - `own`: this installation, for certain.
 * - `unsigned`: anybody; a process of a version that did not sign, or somebody else.
 * - `forged`: somebody else.
 * - `unknown-key`: somebody else, or this installation with a key that is not in use any more.
 */
export type Authorship = 'own' | 'unsigned' | 'forged' | 'unknown-key';

/** A claim on its way to the log. */
export interface OutgoingClaim extends LoggedClaim {
  /**
   * Nothing proves that a gate of ours has admitted it: only an unsigned event has told of it. It is published as it came.
   * With our signature it would be believed for ever.
   */
  readonly unproven?: boolean;
  /** If it is traced: the span that the consumer's span links to. */
  readonly span?: SampledSpan | undefined;
}

/** Partition → offset. A partition that is missing has no known offset, which is not the same as 0. */
export type LogOffsets = ReadonlyMap<number, number>;

/** The log, as its servers describe it. */
export interface LogDescription {
  readonly topic: string;
  readonly groupId: string;
  /** Replicas of the partition that has the fewest; null where the servers do not show it. */
  readonly replicas: number | null;
  /** The settings on which promises rest, by name. Empty where the servers do not show them. */
  readonly settings: ReadonlyMap<string, string>;
  /** Why no claim may be put on it; null when one may. */
  readonly unusable: string | null;
}

/** The claim was not made durable on the log and never will be by this call: nothing of it was sent. */
export class ClaimLogUnavailableError extends Error {
  override readonly name = 'ClaimLogUnavailableError';
}

/** The claim may be on the log or not: the acknowledgement did not come in time. */
export class ClaimLogUnconfirmedError extends Error {
  override readonly name = 'ClaimLogUnconfirmedError';
}

/** More claims are waiting for the log than it is allowed to hold; the caller should come back later. */
export class ClaimLogFullError extends Error {
  override readonly name = 'ClaimLogFullError';
}

/**
 * The claim log (topic `coupon_create`, or its embedded stand-in): what is acknowledged here survives every process.
 *
 * Delivery to the consumer is at least once and in no promised order; it runs through Nest's `@EventPattern`, not
 * through this port.
 */
export abstract class ClaimLog {
  /**
   * Resolves when the broker's full quorum, or the disk, has the event; rejects with one of the errors above. Settles
   * within `PUBLISH_TIMEOUT_MS`, also when the log does not answer: a caller sets no timer of its own.
   */
  abstract publish(event: OutgoingClaim): Promise<void>;

  /** True while publishing would be pointless. A probe inside the adapter notices when the broker is back. */
  abstract readonly away: boolean;

  /** Why it is away, in plain words; null while it is not away, or where the adapter does not keep the reason. */
  get trouble(): string | null {
    return null;
  }

  /** True while `publish` would reject with `ClaimLogFullError`. */
  abstract readonly full: boolean;

  /** True where other programs may write to the log, so that each of our events carries a signature. */
  get signed(): boolean {
    return false;
  }

  /** The offset that the next message of each partition will get. */
  abstract endOffsets(): Promise<LogOffsets>;

  /** The offset of the oldest message that each partition still holds. */
  abstract startOffsets(): Promise<LogOffsets>;

  /** What the consumer group has settled, for the partitions on which it ever committed. */
  abstract committedOffsets(): Promise<LogOffsets>;

  /** For people; null for a log without a server. Rejects when its servers are away. */
  describe(): Promise<LogDescription | null> {
    return Promise.resolve(null);
  }

  /**
   * Names this log for as long as it exists. A topic that is deleted and made again has another id, and its offsets have
   * nothing to do with the old ones. null where that cannot happen, or is not known.
   */
  logId(): Promise<string | null> {
    return Promise.resolve(null);
  }

  /**
   * Who has written each of these messages. All of them are our own where no other program can write to the log.
   *
   * @throws DatabaseError while the keys cannot be read. Nothing is known about the messages then.
   */
  authorsOf(records: readonly LogRecord[]): Promise<readonly Authorship[]> {
    return Promise.resolve(records.map(() => 'own'));
  }

  /** Every message from `from` (inclusive) to `to` (exclusive), partition by partition, in bounded pages. */
  abstract read(from: LogOffsets, to: LogOffsets): AsyncIterable<readonly LogRecord[]>;

  /** Resolves when everything accepted so far is either acknowledged or refused. */
  abstract drain(): Promise<void>;
}
