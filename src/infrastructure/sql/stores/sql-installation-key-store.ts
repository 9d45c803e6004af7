import { DatabaseError } from '../../../ports/database/database-error.js';
import { InstallationKeyStore, type KeyPurpose } from '../../../ports/database/installation-key-store.js';
import { type SqlSession } from '../sql-session.js';

export class SqlInstallationKeyStore extends InstallationKeyStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async secretFor(purpose: KeyPurpose): Promise<Buffer> {
    const [row] = await this.sql.select<{ secret: string }>(
      'SELECT secret FROM installation_keys WHERE purpose = ? ORDER BY id LIMIT 1',
      [purpose],
    );
    if (row === undefined) {
      // The claims are not to blame, and an operator can put the row back from a backup.
      throw new DatabaseError(
        'infrastructure',
        'INSTALLATION_KEY_MISSING',
        `installation_keys has no row for ${purpose}`,
      );
    }
    return Buffer.from(row.secret, 'hex');
  }
}
