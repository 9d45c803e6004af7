import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy, ulidFactory } from '../../platform/flow/entropy.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { type ApiKey, makeKey } from '../../platform/identity/api-key.js';
import { type KeyRole } from '../../platform/identity/key-role.js';
import { type Page, pageOf } from '../../platform/values/page.js';
import { Database } from '../../ports/database/database.js';
import { StoredKeys } from './stored-keys.js';

/** What an admin asks for. */
export interface KeyOrder {
  readonly name: string;
  readonly role: KeyRole;
  /** ms since the Unix epoch; null: never. */
  readonly expiresAt: number | null;
}

export type KeyCreationOutcome =
  /** `text` is the key itself. It is not stored, so this is the only time that it can be shown. */
  { readonly kind: 'created'; readonly key: ApiKey; readonly text: string } | { readonly kind: 'expiry-past' };

/** Makes, lists and revokes API keys. Each change leaves a row in `admin_audit`, in the same transaction. */
@Injectable()
export class KeyAdministration {
  private readonly logger = new Logger(KeyAdministration.name);
  private readonly nextId: () => string;

  constructor(
    private readonly database: Database,
    private readonly stored: StoredKeys,
    private readonly entropy: Entropy,
    clock: Clock,
  ) {
    this.nextId = ulidFactory(clock, entropy);
  }

  /** @throws DatabaseError */
  async create({ name, role, expiresAt }: KeyOrder, by: CallOrigin): Promise<KeyCreationOutcome> {
    const id = this.nextId();
    const { text, secretDigest } = makeKey(id, role, (bytes) => this.entropy.fill(bytes));
    const outcome = await this.database.transaction(async (unit): Promise<KeyCreationOutcome> => {
      if (expiresAt !== null && expiresAt <= (await unit.now())) return { kind: 'expiry-past' };
      const key = await unit.apiKeys.insert({ id, name, role, secretDigest, createdBy: by.actor.id, expiresAt });
      await unit.audit.record({
        action: 'key.create',
        subject: id,
        campaignId: null,
        by,
        detail: { name, role, expiresAt },
      });
      return { kind: 'created', key, text };
    });
    if (outcome.kind === 'created') this.log('made', outcome.key, by);
    return outcome;
  }

  /**
   * Lists the newest first, the revoked ones too.
   * @param beforeId the `next` of the previous page.
   * @throws DatabaseError
   */
  async list(limit: number, beforeId?: string): Promise<Page<ApiKey, string>> {
    const found = await this.database.read((unit) => unit.apiKeys.list(limit + 1, beforeId));
    return pageOf(found, limit, ({ id }) => id);
  }

  /**
   * Revokes a key for good; again changes nothing. This process refuses the key at once, every other one within 5 s.
   * @returns null when there is no such key.
   * @throws DatabaseError
   */
  async revoke(id: string, by: CallOrigin): Promise<ApiKey | null> {
    let isNew = false;
    const key = await this.database.transaction(async (unit) => {
      const [before] = await unit.apiKeys.findMany([id]);
      const after = await unit.apiKeys.revoke(id);
      isNew = before?.revokedAt === null;
      if (after !== null && isNew) {
        const { name, role } = after;
        await unit.audit.record({ action: 'key.revoke', subject: id, campaignId: null, by, detail: { name, role } });
      }
      return after;
    });
    this.stored.forget(id);
    if (key !== null && isNew) this.log('revoked', key, by);
    return key;
  }

  private log(act: 'made' | 'revoked', { id, name, role }: ApiKey, { actor, requestId }: CallOrigin): void {
    this.logger.log({
      message: `API key ${id} was ${act}`,
      event: `key.${act}`,
      keyId: id,
      name,
      role,
      actor: actor.name,
      actorId: actor.id,
      requestId,
    });
  }
}
