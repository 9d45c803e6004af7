import { createSecretKey } from 'node:crypto';
import { KeyedHash } from '../../platform/values/keyed-hash.js';
import { type Database } from '../../ports/database/database.js';
import { couponCodeOf } from './coupon-code.js';

/** What the consumer has to know of its installation. */
export interface Installation {
  readonly id: string;
  /** The code of the coupon that this claim becomes. */
  readonly codeOf: (claimId: string) => string;
}

/** Asks the database once: neither the id nor the secret ever changes. */
export class OwnInstallation {
  private known: Installation | null = null;

  constructor(private readonly database: Database) {}

  /** @throws DatabaseError; the next call asks again. */
  async read(): Promise<Installation> {
    this.known ??= await this.database.read(async (unit) => {
      const { installation: id } = await unit.gate.read();
      const secret = new KeyedHash(createSecretKey(await unit.installationKeys.secretFor('coupon-code')));
      return { id, codeOf: (claimId: string) => couponCodeOf(secret, claimId) };
    });
    return this.known;
  }
}
