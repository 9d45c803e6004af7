import { createSecretKey } from 'node:crypto';
import { DatabaseError } from '../../../ports/database/database-error.js';
import {
  type InstallationKey,
  InstallationKeyStore,
  keyIdOf,
  type KeyPurpose,
  type RotatedPurpose,
} from '../../../ports/database/installation-key-store.js';
import { type SqlSession } from '../sql-session.js';

interface RawKey {
  readonly id: number | string;
  readonly secret: string;
  readonly created_at: number | string;
}

export class SqlInstallationKeyStore extends InstallationKeyStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async secretFor(purpose: 'coupon-code'): Promise<Buffer> {
    const [row] = await this.sql.select<{ secret: string }>(
      'SELECT secret FROM installation_keys WHERE purpose = ? ORDER BY id LIMIT 1',
      [purpose],
    );
    if (row === undefined) throw missing(purpose);
    return Buffer.from(row.secret, 'hex');
  }

  async keysFor(purpose: RotatedPurpose): Promise<InstallationKey[]> {
    const rows = await this.inUse(purpose);
    if (rows.length === 0) throw missing(purpose);
    return rows.map((row) => {
      const secret = Buffer.from(row.secret, 'hex');
      return { id: keyIdOf(secret), secret: createSecretKey(secret), createdAt: Number(row.created_at) };
    });
  }

  async add(purpose: RotatedPurpose, secret: Buffer): Promise<string> {
    await this.sql.execute(
      `INSERT INTO installation_keys (purpose, secret, created_at) VALUES (?, ?, ${this.sql.dialect.now})`,
      [purpose, secret.toString('hex')],
    );
    return keyIdOf(secret);
  }

  async retire(purpose: RotatedPurpose, id: string): Promise<boolean> {
    const [_newest, ...older] = await this.inUse(purpose);
    const found = older.find(({ secret }) => keyIdOf(Buffer.from(secret, 'hex')) === id);
    if (found === undefined) return false;
    await this.sql.execute(`UPDATE installation_keys SET retired_at = ${this.sql.dialect.now} WHERE id = ?`, [
      found.id,
    ]);
    return true;
  }

  private inUse(purpose: RotatedPurpose): Promise<RawKey[]> {
    return this.sql.select<RawKey>(
      'SELECT id, secret, created_at FROM installation_keys WHERE purpose = ? AND retired_at IS NULL ORDER BY id DESC',
      [purpose],
    );
  }
}

/** The claims are not to blame, and an operator can put the row back from a backup. */
function missing(purpose: KeyPurpose): DatabaseError {
  return new DatabaseError(
    'infrastructure',
    'INSTALLATION_KEY_MISSING',
    `installation_keys has no row for ${purpose} that is in use`,
  );
}
