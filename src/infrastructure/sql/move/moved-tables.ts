import { type DataSource } from 'typeorm';
import { AdminAuditEntity } from '../entities/admin-audit.entity.js';
import { ApprovalEntity } from '../entities/approval.entity.js';
import { ApiKeyEntity } from '../entities/api-key.entity.js';
import { CampaignCreationEntity } from '../entities/campaign-creation.entity.js';
import { CampaignDraftEntity } from '../entities/campaign-draft.entity.js';
import { CampaignEntity } from '../entities/campaign.entity.js';
import { CouponEntity } from '../entities/coupon.entity.js';
import { FailedEventEntity } from '../entities/failed-event.entity.js';
import { GateCutEntity, GateEntity } from '../entities/gate.entity.js';
import { InstallationKeyEntity } from '../entities/installation-key.entity.js';
import { MoveEntity } from '../entities/move.entity.js';
import { RefusalEntity } from '../entities/refusal.entity.js';

/** What a move copies row by row; a table stands behind those to which its rows refer. */
export const COPIED = [
  CampaignEntity,
  CampaignCreationEntity,
  CouponEntity,
  FailedEventEntity,
  AdminAuditEntity,
  ApiKeyEntity,
  RefusalEntity,
  CampaignDraftEntity,
  ApprovalEntity,
];

/**
 * What a move does not copy:
 * - the gate row: the target has its own, and gets of the source's what {@link GATE_STATE} does not name;
 * - the cuts: they are offsets of the journal, and would make claims on the topic stale;
 * - the keys: the target has made its own, and gets those of the source in their place, together with the gate row;
 * - the mark of the move.
 */
export const NOT_COPIED = [GateEntity, GateCutEntity, InstallationKeyEntity, MoveEntity];

/**
 * The columns of the gate row that say which gate is open, and since when the events on its log are signed. They end with
 * the source's gate and the source's journal: the target's topic has never held an unsigned event.
 */
export const GATE_STATE = [
  'id',
  'epoch',
  'script_sha',
  'builder',
  'lease_until',
  'closed_epoch',
  'closed_by_epoch',
  'signed_since',
];

/** A table and its columns, the primary key first. */
export interface CopiedTable {
  readonly name: string;
  readonly key: string;
  readonly columns: readonly string[];
}

export function copiedTables(dataSource: DataSource): CopiedTable[] {
  return COPIED.map((entity) => {
    const { tableName: name, columns, primaryColumns } = dataSource.getMetadata(entity);
    const [key, ...more] = primaryColumns.map(({ databaseName }) => databaseName);
    if (key === undefined || more.length > 0) throw new Error(`${name} needs a primary key of one column to be moved`);
    const others = columns.map(({ databaseName }) => databaseName).filter((column) => column !== key);
    return { name, key, columns: [key, ...others] };
  });
}

/** The columns of the gate row that belong to the installation, and not to the gate that is open. */
export function installationColumns(dataSource: DataSource): string[] {
  const columns = dataSource.getMetadata(GateEntity).columns.map(({ databaseName }) => databaseName);
  return columns.filter((column) => !GATE_STATE.includes(column));
}
