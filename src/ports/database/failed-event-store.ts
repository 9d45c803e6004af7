import { type ClaimEvent } from '../../domain/claim.js';
import { type LogRecord } from '../log/claim-log.js';

/** Who could not go on with the claim. */
export type FailedEventSource = 'API' | 'CONSUMER' | 'SWEEPER';

/**
 * PENDING → PUBLISHING (leased) → REPUBLISHED → RESOLVED, set only by the consumer's successful transaction.
 * DEAD waits for an operator; DISCARDED is an operator's final word.
 */
export type FailedEventStatus = 'PENDING' | 'PUBLISHING' | 'REPUBLISHED' | 'RESOLVED' | 'DEAD' | 'DISCARDED';

export const FAILED_EVENT_STATUSES: readonly FailedEventStatus[] = [
  'PENDING',
  'PUBLISHING',
  'REPUBLISHED',
  'RESOLVED',
  'DEAD',
  'DISCARDED',
];

/** What went wrong, in words that an operator can search for. */
export interface Failure {
  /** `infrastructure`, `poison`, `unpublished`, `lost`: the class, not the product's error. */
  errorClass: string;
  errorCode: string;
  /** At most 500 characters are kept. */
  errorMessage: string;
}

/** One row of `failed_events`. Instants are ms since the Unix epoch, by the database's clock. */
export interface FailedEvent {
  /** Rises with insertion; the keyset of the operators' list. */
  id: number;
  /** The claimId, or a digest of topic, partition and offset when the message is unreadable. */
  dedupeKey: string;
  /** null when the message could not be read. */
  claim: ClaimEvent | null;
  topic: string | null;
  partition: number | null;
  offset: number | null;
  source: FailedEventSource;
  /** False for a claim that the consumer has taken from an event without a signature, and no operator has requeued. */
  verified: boolean;
  failure: Failure;
  status: FailedEventStatus;
  attempts: number;
  maxAttempts: number;
  nextAttemptAt: number;
  leaseOwner: string | null;
  leaseUntil: number | null;
  releasedAt: number | null;
  resolvedBy: string | null;
  note: string | null;
  version: number;
  createdAt: number;
  updatedAt: number;
}

/** The part of a failed event that a rebuilt gate needs. */
export interface OpenClaim {
  id: number;
  claim: ClaimEvent;
}

/** A claim that waits for the retry, written by the api or the sweeper. */
export interface UnpublishedClaim {
  claim: ClaimEvent;
  source: 'API' | 'SWEEPER';
  failure: Failure;
}

/** A message that the consumer set aside, with the bytes as they came. */
export interface QuarantinedRecord {
  record: LogRecord;
  /** null when the message could not be read: such a row is DEAD at once. */
  claim: ClaimEvent | null;
  /** Nothing proves that this installation has written the message. */
  unsigned?: boolean;
  failure: Failure;
}

/** What is kept of a message that was set aside, as it came. */
export interface KeptMessage {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** null when they were longer than what is kept, and their rest cannot be read. */
  readonly headers: Readonly<Record<string, Uint8Array>> | null;
  /** Key, value or headers were longer than what is kept. */
  readonly isCut: boolean;
}

/** What a finished transaction of the retry says about one leased row. */
export type PublishResult =
  | { readonly kind: 'published' }
  /** The log was away: due again after `delayMs`, and no attempt is counted. */
  | { readonly kind: 'postponed'; readonly delayMs: number }
  /** Nothing proves that the claim is one: DEAD, for an operator. */
  | { readonly kind: 'unverified' };

/** Where one page of a prune ended; the next one begins behind it. */
export interface PruneCursor {
  readonly dueAt: number;
  readonly id: number;
}

export interface PrunedPage {
  readonly deleted: number;
  /** null: no older row is left. */
  readonly next: PruneCursor | null;
}

export interface FailedEventFilter {
  status?: FailedEventStatus;
  campaignId?: string;
  /** Only rows with a smaller id: the next page of a list that is newest first. */
  beforeId?: number;
  limit: number;
}

/**
 * What came of an operator's change. It is refused when the row is missing, was changed since, or is in a state that
 * does not allow it.
 */
export type OperatorChange =
  | { readonly kind: 'changed'; readonly row: FailedEvent }
  | { readonly kind: 'failed-event-not-found' }
  | { readonly kind: 'precondition-failed'; readonly row: FailedEvent }
  | { readonly kind: 'invalid-state'; readonly row: FailedEvent };

/**
 * The table `failed_events`, seen from inside one transaction. Lock order everywhere: gate row, campaigns by id,
 * failed events.
 */
export abstract class FailedEventStore {
  /**
   * Adds claims that are not on the log. A claim that already has a row keeps it. The caller holds the gate row's
   * share lock and has checked that its epoch is the claims' own.
   */
  abstract addUnpublished(claims: readonly UnpublishedClaim[]): Promise<void>;

  /**
   * Sets aside messages that the database refuses. A readable one that was here before counts one more attempt and
   * goes back to PENDING with back-off, or to DEAD after its last; an unreadable one is DEAD at once. A RESOLVED or
   * DISCARDED row stays as it is. Payload and headers are cut at 32 KB, and at 1 KB where nothing proves that the message is
   * ours; `withoutPayload` leaves both out, for the second try after the first could not be stored.
   */
  abstract quarantine(records: readonly QuarantinedRecord[], options?: { withoutPayload?: boolean }): Promise<void>;

  /** Writes a row and takes it back. Rejects where no claim could be stored. The commit that follows asks the disk. */
  abstract proveWritable(): Promise<void>;

  /** The status of those of `claimIds` that have a row. */
  abstract statusesOf(claimIds: readonly string[]): Promise<ReadonlyMap<string, FailedEventStatus>>;

  /** True when a claim of these campaigns has any row. It costs less than to ask for hundreds of claims. */
  abstract existOf(campaignIds: readonly string[]): Promise<boolean>;

  /**
   * RESOLVED for every row of these claims that is not DISCARDED. `resolvedBy` is `consumer`. The caller holds the locks of
   * their campaigns, which count what was resolved.
   */
  abstract resolve(claimIds: readonly string[]): Promise<void>;

  /**
   * Leases up to `limit` due rows: PENDING, REPUBLISHED whose confirmation is overdue, and PUBLISHING whose lease ran
   * out. Rows that another instance holds are skipped. Sets PUBLISHING and a lease of `leaseMs`.
   *
   * @param consumedBefore ms by the database's clock: what was published before it has been consumed, or is no longer on
   * the log. A REPUBLISHED row that was published later is not overdue; null: none is.
   */
  abstract lease(owner: string, limit: number, leaseMs: number, consumedBefore: number | null): Promise<FailedEvent[]>;

  /**
   * Ends the lease of `owner` on these rows, in one statement, since the consumer may be waiting for some of them:
   * REPUBLISHED and due again after 2 min at the earliest, or PENDING again, or DEAD. A row that is no longer under this lease stays as it is: the
   * lease ran out, the consumer was faster, or an operator discarded it.
   */
  abstract finishLease(owner: string, ids: readonly number[], result: PublishResult): Promise<void>;

  /** Rows with a valid claim that are neither RESOLVED nor DISCARDED, by id: what a rebuilt gate must still know. */
  abstract openClaimsAfter(id: number, limit: number): Promise<OpenClaim[]>;

  /**
   * Campaign → the highest sequence in any row of it, in every status: a discarded claim has no coupon, yet its
   * sequence was given out. Also of rows that were pruned. Campaigns without a row are left out.
   */
  abstract highestSequences(campaignIds: readonly string[]): Promise<ReadonlyMap<string, number>>;

  /**
   * How many users rightly hold a slot at the gate through a row here and not through a coupon: rows that are not
   * finished, and DISCARDED ones whose slot was not given back yet.
   */
  abstract countSlotHolders(campaignId: string): Promise<number>;

  /** The claims that `countSlotHolders` counts, at most `limit` of them. */
  abstract slotHolders(campaignId: string, limit: number): Promise<{ userId: string; claimId: string }[]>;

  /**
   * True while a claim of the campaign has a row that is not finished: it may still become a coupon, waits for an
   * operator, or is DISCARDED and its slot was not given back yet.
   */
  abstract hasUnfinished(campaignId: string): Promise<boolean>;

  /**
   * How many rows with a claim the retry may still publish although only an unsigned event has told of it. They become
   * DEAD once signatures are demanded.
   */
  abstract countUnproven(): Promise<number>;

  /** The row of each of these claims, where there is one. */
  abstract findByClaimIds(claimIds: readonly string[]): Promise<FailedEvent[]>;

  /** Claim and status of the newest row of this user in this campaign, where there is one. */
  abstract findByUser(campaignId: string, userId: string): Promise<Pick<FailedEvent, 'claim' | 'status'> | null>;

  abstract find(id: number): Promise<FailedEvent | null>;

  /** The message of a row. null when there is no such row, or when it came from no message, or was emptied since. */
  abstract messageOf(id: number): Promise<KeptMessage | null>;

  /** `find` with the row locked until the transaction ends. */
  abstract lock(id: number): Promise<FailedEvent | null>;

  /** Newest first. */
  abstract list(filter: FailedEventFilter): Promise<FailedEvent[]>;

  /** How many rows of this status there are, of one campaign or of all, and how many of them hold a claim. */
  abstract count(filter: Pick<FailedEventFilter, 'campaignId'> & { status: FailedEventStatus }): Promise<{
    readonly rows: number;
    readonly claims: number;
  }>;

  /** PENDING and due now, attempts 0, verified: an operator stands for it. The caller holds the row's lock and has checked state and version. */
  abstract requeue(id: number, note: string | null): Promise<void>;

  /** DISCARDED, with the reason as its note. The caller holds the locks of the campaign and of the row. */
  abstract discard(id: number, reason: string): Promise<void>;

  /** DISCARDED rows with a claim whose slot at the gate was not yet given back, by id, from behind `afterId` on. */
  abstract unreleased(limit: number, afterId?: number): Promise<FailedEvent[]>;

  abstract markReleased(id: number): Promise<void>;

  /**
   * Looks at up to `limit` rows that became RESOLVED more than `ageMs` ago, and deletes them, apart from the one with the
   * highest sequence of its campaign: a sequence that was given out must never be given out again. What a RESOLVED row
   * says is said by the coupon of its user.
   */
  abstract pruneResolved(ageMs: number, limit: number, after: PruneCursor | null): Promise<PrunedPage>;

  /**
   * Takes the message out of up to `limit` rows that were DISCARDED more than `ageMs` ago. The rows stay for ever: the
   * consumer has to skip the claim whenever its message comes again.
   *
   * @returns how many rows lost their message.
   */
  abstract emptyDiscarded(ageMs: number, limit: number): Promise<number>;

  /**
   * Rows by status, of one campaign or of all; of RESOLVED, how many there ever were. They are not counted one by one, since
   * they are many: each campaign has a counter. A worker of the version before does not count what it resolves.
   */
  abstract countByStatus(campaignId?: string): Promise<Record<FailedEventStatus, number>>;
}
