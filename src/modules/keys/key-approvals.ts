import { Injectable, type OnModuleInit } from '@nestjs/common';
import { isoOf } from '../../domain/iso-of.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { type ApiKey } from '../../platform/identity/api-key.js';
import { Approvals, type Assent, type Execution } from '../../ports/approvals/approvals.js';
import { type Approval, type ApprovalFacts } from '../../ports/database/approval-store.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { KeyAdministration, type KeySeed } from './key-administration.js';

/** Makes and revokes keys of operators and admins when a second admin has approved it. */
@Injectable()
export class KeyApprovals implements OnModuleInit {
  constructor(
    private readonly approvals: Approvals,
    private readonly keys: KeyAdministration,
  ) {}

  /** Of calls of admins. */
  get assent(): Assent {
    return this.approvals.assent;
  }

  onModuleInit(): void {
    this.approvals.register('key.create', (order, by, assent) => this.create(order, by, assent));
    this.approvals.register('key.revoke', (_order, by, assent, id) => this.revoke(id, by, assent));
  }

  /** The text of the key is shown to the one who asks, and is not stored. It opens nothing before the approval. */
  askToCreate(seed: KeySeed, by: CallOrigin): Promise<Approval> {
    const { id, name, role, expiresAt } = seed;
    const consequences = { name, role, expiresAt: isoOf(expiresAt) };
    return this.ask('key.create', id, { ...seed, createdBy: by.actor.id }, consequences, by);
  }

  askToRevoke({ id, name, role, lastUsedAt }: ApiKey, by: CallOrigin): Promise<Approval> {
    return this.ask('key.revoke', id, {}, { name, role, lastUsedAt: isoOf(lastUsedAt) }, by);
  }

  private ask(
    action: 'key.create' | 'key.revoke',
    subject: string,
    order: ApprovalFacts,
    consequences: ApprovalFacts,
    by: CallOrigin,
  ): Promise<Approval> {
    return this.approvals.ask({ action, subject, campaignId: null, neededRole: 'admin', order, consequences }, by);
  }

  private async create(order: ApprovalFacts, by: CallOrigin, assent: Assent): Promise<Execution> {
    const seed = order as unknown as KeySeed & { readonly createdBy: string };
    try {
      const outcome = await this.keys.store(seed, seed.createdBy, by, assent);
      if (outcome.kind === 'created') return { kind: 'executed', outcome: { keyId: seed.id } };
      return { kind: 'refused', code: 'precondition-failed', now: { expiresAt: isoOf(seed.expiresAt) } };
    } catch (error) {
      // Another approval of the same has made it.
      if (!(error instanceof DatabaseError && error.kind === 'duplicate')) throw error;
      return { kind: 'executed', outcome: { keyId: seed.id } };
    }
  }

  private async revoke(id: string, by: CallOrigin, assent: Assent): Promise<Execution> {
    const outcome = await this.keys.revoke(id, by, assent);
    if (outcome.kind === 'revoked') return { kind: 'executed', outcome: { revokedAt: isoOf(outcome.key.revokedAt) } };
    return { kind: 'refused', code: 'key-not-found', now: {} };
  }
}
