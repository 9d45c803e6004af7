import { In, LessThan } from 'typeorm';
import { type ApiKey } from '../../../platform/identity/api-key.js';
import { ApiKeyStore, type NewApiKey } from '../../../ports/database/api-key-store.js';
import { ApiKeyEntity } from '../entities/api-key.entity.js';
import { type SqlSession } from '../sql-session.js';

export class SqlApiKeyStore extends ApiKeyStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async insert(key: NewApiKey): Promise<ApiKey> {
    const stored = { ...key, createdAt: await this.sql.now(), lastUsedAt: null, revokedAt: null };
    await this.repository.insert(stored);
    return stored;
  }

  findMany(ids: readonly string[]): Promise<ApiKey[]> {
    return this.repository.findBy({ id: In(ids) });
  }

  list(limit: number, beforeId?: string): Promise<ApiKey[]> {
    const where = beforeId === undefined ? {} : { id: LessThan(beforeId) };
    return this.repository.find({ where, order: { id: 'DESC' }, take: limit });
  }

  async revoke(id: string): Promise<ApiKey | null> {
    await this.sql.execute(
      `UPDATE api_keys SET revoked_at = ${this.sql.dialect.now} WHERE id = ? AND revoked_at IS NULL`,
      [id],
    );
    return this.repository.findOneBy({ id });
  }

  async noteUse(id: string): Promise<void> {
    await this.sql.execute(`UPDATE api_keys SET last_used_at = ${this.sql.dialect.now} WHERE id = ?`, [id]);
  }

  private get repository() {
    return this.sql.repository(ApiKeyEntity);
  }
}
