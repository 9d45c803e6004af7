import { createHash, type KeyObject } from 'node:crypto';

/** What a secret of the installation is used for that can be replaced: events on the log, entry tokens, and sessions. */
export const ROTATED_PURPOSES = ['event', 'entry', 'session'] as const;

export type RotatedPurpose = (typeof ROTATED_PURPOSES)[number];

/** What a secret of the installation is used for. */
export type KeyPurpose = 'coupon-code' | RotatedPurpose;

/** One of the keys with a purpose. */
export interface InstallationKey {
  /** {@link keyIdOf} its secret. */
  readonly id: string;
  /** 32 bytes. No log line can show it by mistake. */
  readonly secret: KeyObject;
  /** ms, the database's clock. */
  readonly createdAt: number;
}

const ID_LENGTH = 8;

/**
 * Names a key by its secret, in 8 characters of base64url. A number of the row would name another secret after a restore
 * to a point before a rotation, and after a move.
 */
export function keyIdOf(secret: Buffer): string {
  return createHash('sha256').update(secret).digest('base64url').slice(0, ID_LENGTH);
}

/** The secrets of this installation, seen from inside one unit of work. They never leave the database's readers. */
export abstract class InstallationKeyStore {
  /** The secret with this purpose, 32 bytes. Where there are several, always the same one: the first. */
  abstract secretFor(purpose: 'coupon-code'): Promise<Buffer>;

  /**
   * The keys with this purpose that are not retired, newest first: the newest signs, all of them verify.
   * @throws DatabaseError of kind `infrastructure` when there is none.
   */
  abstract keysFor(purpose: RotatedPurpose): Promise<InstallationKey[]>;

  /** Adds a key, which is the newest from now on. @returns its id. */
  abstract add(purpose: RotatedPurpose, secret: Buffer): Promise<string>;

  /** Takes a key out of use, the newest excepted. @returns whether there was such a key in use. */
  abstract retire(purpose: RotatedPurpose, id: string): Promise<boolean>;
}
