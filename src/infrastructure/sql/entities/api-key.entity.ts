import { Column, Entity, PrimaryColumn } from 'typeorm';
import { type KeyRole } from '../../../platform/identity/key-role.js';
import { instant, nullable, text } from './columns.js';

@Entity('api_keys')
export class ApiKeyEntity {
  /** A ULID, so that the order of the ids is the order of creation. */
  @PrimaryColumn(text('id'))
  id!: string;

  @Column(text('name'))
  name!: string;

  @Column(text('role'))
  role!: KeyRole;

  @Column(text('secret_digest'))
  secretDigest!: string;

  @Column(instant('created_at'))
  createdAt!: number;

  @Column(text('created_by'))
  createdBy!: string;

  @Column(nullable(instant('expires_at')))
  expiresAt!: number | null;

  @Column(nullable(instant('last_used_at')))
  lastUsedAt!: number | null;

  @Column(nullable(instant('revoked_at')))
  revokedAt!: number | null;
}
