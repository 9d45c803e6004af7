import { And, IsNull, LessThan, MoreThanOrEqual } from 'typeorm';
import {
  type AdminAction,
  type AdminActionFilter,
  AdminAuditStore,
  type RecordedAction,
} from '../../../ports/database/admin-audit-store.js';
import { AdminAuditEntity } from '../entities/admin-audit.entity.js';
import { type SqlSession } from '../sql-session.js';

/** Who acted, in a row of a version that did not keep it. */
const NOT_KEPT = { id: 'unknown', name: 'unknown' };

export class SqlAdminAuditStore extends AdminAuditStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async record({ action, subject, campaignId, by, detail }: AdminAction): Promise<void> {
    const { actor, requestId, address } = by;
    await this.sql.repository(AdminAuditEntity).insert({
      action,
      subject,
      campaignId,
      actorId: actor.id,
      actorName: actor.name,
      requestId,
      address,
      detail: JSON.stringify(detail),
      createdAt: await this.sql.now(),
    });
  }

  async has(action: string, subject: string): Promise<boolean> {
    const rows = await this.sql.select<{ id: unknown }>(
      'SELECT id FROM admin_audit WHERE subject = ? AND action = ? LIMIT 1',
      [subject, action],
    );
    return rows.length > 0;
  }

  async list({ limit, beforeId, actor, action, campaignId, from, to }: AdminActionFilter): Promise<RecordedAction[]> {
    const within = [
      ...(from === undefined ? [] : [MoreThanOrEqual(from)]),
      ...(to === undefined ? [] : [LessThan(to)]),
    ];
    const rows = await this.sql.repository(AdminAuditEntity).find({
      where: {
        ...(beforeId === undefined ? {} : { id: LessThan(beforeId) }),
        ...(actor === undefined ? {} : { actorId: actor === NOT_KEPT.id ? IsNull() : actor }),
        ...(action === undefined ? {} : { action }),
        ...(campaignId === undefined ? {} : { campaignId }),
        ...(within.length === 0 ? {} : { createdAt: And(...within) }),
      },
      order: { id: 'DESC' },
      take: limit,
    });
    return rows.map(toRecordedAction);
  }
}

function toRecordedAction(row: AdminAuditEntity): RecordedAction {
  const { id, action, subject, campaignId, actorId, actorName, requestId, address, createdAt } = row;
  const actor = actorId === null ? NOT_KEPT : { id: actorId, name: actorName ?? actorId };
  const detail = JSON.parse(row.detail) as Record<string, unknown>;
  return { id: Number(id), action, subject, campaignId, by: { actor, requestId, address }, detail, createdAt };
}
