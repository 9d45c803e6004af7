import { type DatabaseServer, type UnitOfWork } from '../../ports/database/database.js';
import { type SqlSession } from './sql-session.js';
import { SqlAdminAuditStore } from './stores/sql-admin-audit-store.js';
import { SqlApiKeyStore } from './stores/sql-api-key-store.js';
import { SqlApprovalStore } from './stores/sql-approval-store.js';
import { SqlCampaignCreationStore } from './stores/sql-campaign-creation-store.js';
import { SqlCampaignDraftStore } from './stores/sql-campaign-draft-store.js';
import { SqlCampaignStore } from './stores/sql-campaign-store.js';
import { SqlCouponStore } from './stores/sql-coupon-store.js';
import { SqlFailedEventStore } from './stores/sql-failed-event-store.js';
import { SqlGateRowStore } from './stores/sql-gate-row-store.js';
import { SqlInstallationKeyStore } from './stores/sql-installation-key-store.js';
import { SqlRefusalStore } from './stores/sql-refusal-store.js';

/** The stores of one unit of work, all on its one connection. */
export class SqlUnitOfWork implements UnitOfWork {
  readonly gate: SqlGateRowStore;
  readonly campaigns: SqlCampaignStore;
  readonly approvals: SqlApprovalStore;
  readonly drafts: SqlCampaignDraftStore;
  readonly creations: SqlCampaignCreationStore;
  readonly coupons: SqlCouponStore;
  readonly failedEvents: SqlFailedEventStore;
  readonly audit: SqlAdminAuditStore;
  readonly apiKeys: SqlApiKeyStore;
  readonly installationKeys: SqlInstallationKeyStore;
  readonly refusals: SqlRefusalStore;

  constructor(private readonly sql: SqlSession) {
    this.gate = new SqlGateRowStore(sql);
    this.campaigns = new SqlCampaignStore(sql);
    this.approvals = new SqlApprovalStore(sql);
    this.drafts = new SqlCampaignDraftStore(sql);
    this.creations = new SqlCampaignCreationStore(sql);
    this.coupons = new SqlCouponStore(sql);
    this.failedEvents = new SqlFailedEventStore(sql);
    this.audit = new SqlAdminAuditStore(sql);
    this.apiKeys = new SqlApiKeyStore(sql);
    this.installationKeys = new SqlInstallationKeyStore(sql);
    this.refusals = new SqlRefusalStore(sql);
  }

  async describe(): Promise<DatabaseServer> {
    const isSqlite = this.sql.dialect.name === 'sqlite';
    const [row] = await this.sql.select<{ version: string }>(
      `SELECT ${isSqlite ? 'sqlite_version()' : 'VERSION()'} AS version`,
    );
    const version = row?.version ?? '';
    return { product: isSqlite ? 'sqlite' : version.includes('MariaDB') ? 'mariadb' : 'mysql', version };
  }

  now(): Promise<number> {
    return this.sql.now();
  }
}
