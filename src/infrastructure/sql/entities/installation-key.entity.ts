import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { instant, nullable, text } from './columns.js';

@Entity('installation_keys')
export class InstallationKeyEntity {
  @PrimaryGeneratedColumn('increment', { name: 'id' })
  id!: number;

  @Column(text('purpose'))
  purpose!: string;

  /** 32 random bytes in hexadecimal digits. */
  @Column(text('secret'))
  secret!: string;

  @Column(instant('created_at'))
  createdAt!: number;

  /** null while the key is in use. */
  @Column(nullable(instant('retired_at')))
  retiredAt!: number | null;
}
