/** What a secret of the installation is used for. */
export type KeyPurpose = 'coupon-code';

/** The secrets of this installation, seen from inside one unit of work. They never leave the database's readers. */
export abstract class InstallationKeyStore {
  /** The secret with this purpose, 32 bytes. Where there are several, always the same one: the first. */
  abstract secretFor(purpose: KeyPurpose): Promise<Buffer>;
}
