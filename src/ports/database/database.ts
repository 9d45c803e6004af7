import { type AdminAuditStore } from './admin-audit-store.js';
import { type ApiKeyStore } from './api-key-store.js';
import { type ApprovalStore } from './approval-store.js';
import { type CampaignCreationStore } from './campaign-creation-store.js';
import { type CampaignDraftStore } from './campaign-draft-store.js';
import { type CampaignStore } from './campaign-store.js';
import { type CouponStore } from './coupon-store.js';
import { type FailedEventStore } from './failed-event-store.js';
import { type GateEpoch, type GateRowStore } from './gate-row-store.js';
import { type InstallationKeyStore } from './installation-key-store.js';
import { type RefusalStore } from './refusal-store.js';

/** The database, as it describes itself. */
export interface DatabaseServer {
  readonly product: 'mysql' | 'mariadb' | 'sqlite';
  readonly version: string;
}

/**
 * One unit of work. Lock order everywhere: gate row, drafts, campaigns by id, failed events, approvals.
 *
 * The stores are bound to this unit of work and must not be used after it has ended.
 */
export interface UnitOfWork {
  readonly gate: GateRowStore;
  readonly campaigns: CampaignStore;
  readonly approvals: ApprovalStore;
  readonly drafts: CampaignDraftStore;
  readonly creations: CampaignCreationStore;
  readonly coupons: CouponStore;
  readonly failedEvents: FailedEventStore;
  readonly audit: AdminAuditStore;
  readonly apiKeys: ApiKeyStore;
  readonly installationKeys: InstallationKeyStore;
  readonly refusals: RefusalStore;
  /** Which product it is, and its version: for people. */
  describe(): Promise<DatabaseServer>;
  /** The database's clock, ms since the Unix epoch: what decides leases and what is due. */
  now(): Promise<number>;
}

/**
 * The database. Every call ends within its deadline (5 s for each statement, for a unit of work as a whole where the
 * adapter says so) and rejects with `DatabaseError`, or with what the work itself threw, after everything was undone.
 */
export abstract class Database {
  /**
   * Can another process write to it? If not, a read of the gate row shows only what this process has written, and proves
   * nothing that the process does not know.
   */
  readonly isShared: boolean = true;

  /** One READ COMMITTED transaction; commits when `work` resolves, rolls back when it rejects. */
  abstract transaction<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T>;

  /** One REPEATABLE READ transaction that only reads: every page of a long read sees the same instant. */
  abstract snapshot<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T>;

  /** Reads without a transaction. */
  abstract read<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T>;

  /** {@link read} that waits for no other work on the database. It is for single short reads only. */
  readUrgently<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.read(work);
  }

  /**
   * What the gate row says of the open gate, by a read that starts now: each 202 rests on one. It waits for no other
   * work. Where the database is a server, it rejects only after a connection that was made after the call has failed:
   * an older one may be dead because this host slept, and then the server is not silent.
   */
  readEpoch(): Promise<GateEpoch> {
    return this.readUrgently((unit) => unit.gate.read());
  }
}
