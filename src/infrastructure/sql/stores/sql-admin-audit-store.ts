import { type AdminAction, AdminAuditStore } from '../../../ports/database/admin-audit-store.js';
import { AdminAuditEntity } from '../entities/admin-audit.entity.js';
import { type SqlSession } from '../sql-session.js';

export class SqlAdminAuditStore extends AdminAuditStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async record({ action, subject, requestId, detail }: AdminAction): Promise<void> {
    const createdAt = await this.sql.now();
    await this.sql
      .repository(AdminAuditEntity)
      .insert({ action, subject, requestId, detail: JSON.stringify(detail), createdAt });
  }
}
