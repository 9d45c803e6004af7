import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy, ulidFactory } from '../../platform/flow/entropy.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { type ApiKey, makeKey } from '../../platform/identity/api-key.js';
import { isAdminRole, type KeyRole } from '../../platform/identity/key-role.js';
import { type Page, pageOf } from '../../platform/values/page.js';
import { type Assent, NO_ASSENT } from '../../ports/approvals/approvals.js';
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
  | { readonly kind: 'created'; readonly key: ApiKey; readonly text: string }
  /** A second operator has to approve it. The key is made of this seed then, and is worth nothing before. */
  | { readonly kind: 'approval-needed'; readonly seed: KeySeed; readonly text: string }
  | { readonly kind: 'expiry-past' };

/** What a key that waits for approval is made of. The text itself is not stored. */
export interface KeySeed extends KeyOrder {
  readonly id: string;
  readonly secretDigest: string;
}

export type KeyRevocationOutcome =
  { readonly kind: 'revoked' | 'approval-needed'; readonly key: ApiKey } | { readonly kind: 'key-not-found' };

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
  async create(order: KeyOrder, by: CallOrigin, assent: Assent = NO_ASSENT): Promise<KeyCreationOutcome> {
    const id = this.nextId();
    const { text, secretDigest } = makeKey(id, order.role, (bytes) => this.entropy.fill(bytes));
    const seed = { ...order, id, secretDigest };
    if (assent.kind === 'needed' && needsTwo(order.role)) return { kind: 'approval-needed', seed, text };
    const outcome = await this.store(seed, by.actor.id, by, assent);
    return outcome.kind === 'created' ? { ...outcome, text } : outcome;
  }

  /**
   * @param createdBy the id of the actor who has asked for it.
   * @throws DatabaseError
   */
  async store(
    { id, name, role, expiresAt, secretDigest }: KeySeed,
    createdBy: string,
    by: CallOrigin,
    assent: Assent,
  ): Promise<{ readonly kind: 'created'; readonly key: ApiKey } | { readonly kind: 'expiry-past' }> {
    const outcome = await this.database.transaction(async (unit) => {
      if (expiresAt !== null && expiresAt <= (await unit.now())) return { kind: 'expiry-past' as const };
      const key = await unit.apiKeys.insert({ id, name, role, secretDigest, createdBy, expiresAt });
      await unit.audit.record({
        action: 'key.create',
        subject: id,
        campaignId: null,
        by,
        detail: { name, role, expiresAt },
      });
      if (assent.kind === 'given') await assent.note(unit);
      return { kind: 'created' as const, key };
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
   * @throws DatabaseError
   */
  async revoke(id: string, by: CallOrigin, assent: Assent = NO_ASSENT): Promise<KeyRevocationOutcome> {
    let isNew = false;
    const outcome = await this.database.transaction(async (unit): Promise<KeyRevocationOutcome> => {
      const [before] = await unit.apiKeys.findMany([id]);
      isNew = before?.revokedAt === null;
      if (isNew && before !== undefined && assent.kind === 'needed' && needsTwo(before.role)) {
        isNew = false;
        return { kind: 'approval-needed', key: before };
      }
      const key = await unit.apiKeys.revoke(id);
      if (key === null) return { kind: 'key-not-found' };
      if (isNew) {
        const { name, role } = key;
        await unit.audit.record({ action: 'key.revoke', subject: id, campaignId: null, by, detail: { name, role } });
        if (assent.kind === 'given') await assent.note(unit);
      }
      return { kind: 'revoked', key };
    });
    this.stored.forget(id);
    if (outcome.kind === 'revoked' && isNew) this.log('revoked', outcome.key, by);
    return outcome;
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

/** With a key of these roles one could approve what one has asked for with another one. */
function needsTwo(role: KeyRole): boolean {
  return isAdminRole(role) && role !== 'viewer';
}
