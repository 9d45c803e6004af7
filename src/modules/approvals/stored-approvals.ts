import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../platform/config/env.js';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy, ulidFactory } from '../../platform/flow/entropy.js';
import { BY_SERVICE, type CallOrigin } from '../../platform/identity/actor.js';
import { type Page, pageOf } from '../../platform/values/page.js';
import { Approvals, type Assent, type Execution, type Executor, NO_ASSENT } from '../../ports/approvals/approvals.js';
import {
  type Approval,
  type ApprovalFacts,
  type ApprovalRequest,
  type ApprovalStatus,
  type ApprovedAction,
} from '../../ports/database/approval-store.js';
import { Database, type UnitOfWork } from '../../ports/database/database.js';

/** How long another operator may approve what was asked for, ms. */
export const APPROVAL_LIFETIME_MS = 15 * 60_000;
/** Requests whose end one call notes. */
const EXPIRED_AT_ONCE = 50;

export type DecisionOutcome =
  | { readonly kind: 'done'; readonly approval: Approval }
  /** Another call has decided otherwise, its time is over, or what it was for has changed. */
  | { readonly kind: 'approval-decided' | 'approval-outdated'; readonly approval: Approval }
  | { readonly kind: 'approval-not-found' | 'own-approval' }
  | Extract<Execution, { readonly kind: 'not-now' }>;

/** Undoes the transaction of an act whose approval was used up, taken back or over by then. */
class NoLongerPending extends Error {}

/**
 * Requests for a second operator, in the database (ADR 56).
 *
 * An approval is used up in the transaction of the act itself. So of two operators who approve at once one does it, also at
 * two processes, and a process that dies leaves either both or none.
 */
@Injectable()
export class StoredApprovals extends Approvals {
  override readonly assent: Assent;
  private readonly logger = new Logger(StoredApprovals.name);
  private readonly executors = new Map<ApprovedAction, Executor>();
  private readonly nextId: () => string;

  constructor(
    private readonly database: Database,
    { twoPerson }: AppConfig,
    clock: Clock,
    entropy: Entropy,
  ) {
    super();
    this.assent = twoPerson ? { kind: 'needed' } : NO_ASSENT;
    this.nextId = ulidFactory(clock, entropy);
  }

  register(action: ApprovedAction, executor: Executor): void {
    this.executors.set(action, executor);
  }

  async ask(request: Omit<ApprovalRequest, 'id' | 'requestedBy'>, by: CallOrigin): Promise<Approval> {
    await this.expireOverdue();
    const { id: actorId, name } = by.actor;
    const asked = { ...request, id: this.nextId(), requestedBy: { id: actorId, name } };
    const approval = await this.database.transaction(async (unit) => {
      const inserted = await unit.approvals.insert(asked, APPROVAL_LIFETIME_MS);
      await record(unit, 'request', inserted, by);
      return inserted;
    });
    this.log('requested', approval, by);
    return approval;
  }

  /** @throws DatabaseError */
  async find(id: string): Promise<Approval | null> {
    await this.expireOverdue();
    return this.database.read((unit) => unit.approvals.find(id));
  }

  /**
   * Newest first; the next page begins before the id `next`.
   * @throws DatabaseError
   */
  async list(limit: number, filter: { beforeId?: string; status?: ApprovalStatus }): Promise<Page<Approval, string>> {
    await this.expireOverdue();
    const found = await this.database.read((unit) => unit.approvals.list({ limit: limit + 1, ...filter }));
    return pageOf(found, limit, ({ id }) => id);
  }

  /**
   * Does what was asked for. A repeated call, and one of two at once, gets what came of it.
   * @throws DatabaseError
   */
  async approve(id: string, by: CallOrigin): Promise<DecisionOutcome> {
    const found = await this.find(id);
    const refusal = refusalOf(found, by);
    if (refusal !== null) return refusal;
    const approval = found as Approval;
    if (approval.status === 'EXECUTED') return { kind: 'done', approval };
    if (approval.status !== 'PENDING') return { kind: 'approval-decided', approval };
    const executor = this.executors.get(approval.action);
    if (executor === undefined) throw new Error(`nothing in this process does ${approval.action}`);
    let execution: Execution;
    try {
      execution = await executor(approval.order, by, this.assentFor(approval, by), approval.subject);
    } catch (error) {
      if (error instanceof NoLongerPending) return this.decided(id);
      throw error;
    }
    if (execution.kind === 'not-now') return execution;
    return this.finish(id, execution, by);
  }

  /** @throws DatabaseError */
  async reject(id: string, by: CallOrigin): Promise<DecisionOutcome> {
    const found = await this.find(id);
    // Whoever has asked may take it back.
    if (found === null) return { kind: 'approval-not-found' };
    const isNew = await this.database.transaction(async (unit) => {
      const row = await unit.approvals.lock(id);
      if (row?.status !== 'PENDING') return false;
      await unit.approvals.decide(id, { status: 'REJECTED', by: by.actor, outcome: null });
      await record(unit, 'reject', row, by);
      return true;
    });
    if (isNew) this.log('rejected', found, by);
    const approval = (await this.database.read((unit) => unit.approvals.find(id))) as Approval;
    return { kind: approval.status === 'REJECTED' ? 'done' : 'approval-decided', approval };
  }

  private assentFor({ id }: Approval, by: CallOrigin): Assent {
    const note = async (unit: UnitOfWork): Promise<void> => {
      const row = await unit.approvals.lock(id);
      // mutant: approved-twice
      if (row?.status !== 'PENDING' || row.expiresAt <= (await unit.now())) throw new NoLongerPending();
      await unit.approvals.decide(id, { status: 'EXECUTED', by: by.actor, outcome: null });
      await record(unit, 'approve', row, by);
    };
    return { kind: 'given', note };
  }

  /** Keeps what came of it. The act has called `note`, unless it had nothing left to do or was refused. */
  private async finish(
    id: string,
    execution: Exclude<Execution, { readonly kind: 'not-now' }>,
    by: CallOrigin,
  ): Promise<DecisionOutcome> {
    const outcome: ApprovalFacts =
      execution.kind === 'executed' ? execution.outcome : { reason: execution.code, now: execution.now };
    await this.database.transaction(async (unit) => {
      const row = await unit.approvals.lock(id);
      if (row === null) return;
      if (row.status === 'PENDING') {
        const status = execution.kind === 'executed' ? 'EXECUTED' : 'FAILED';
        await unit.approvals.decide(id, { status, by: by.actor, outcome });
        await record(unit, status === 'EXECUTED' ? 'approve' : 'fail', row, by, outcome);
      } else if (row.status === 'EXECUTED' && execution.kind === 'executed') {
        await unit.approvals.setOutcome(id, outcome);
      }
    });
    const decided = await this.decided(id);
    if (decided.kind !== 'not-now' && 'approval' in decided) {
      this.log(decided.approval.status === 'EXECUTED' ? 'approved' : 'failed', decided.approval, by);
    }
    return decided;
  }

  private async decided(id: string): Promise<DecisionOutcome> {
    const approval = await this.database.read((unit) => unit.approvals.find(id));
    if (approval === null) return { kind: 'approval-not-found' };
    if (approval.status === 'EXECUTED') return { kind: 'done', approval };
    return { kind: approval.status === 'FAILED' ? 'approval-outdated' : 'approval-decided', approval };
  }

  /** Notes the end of those whose time is over. What nobody looks at is noted at the next look, and cannot be approved. */
  private async expireOverdue(): Promise<void> {
    const overdue = await this.database.read((unit) => unit.approvals.overdue(EXPIRED_AT_ONCE));
    for (const { id } of overdue) {
      const expired = await this.database.transaction(async (unit) => {
        const row = await unit.approvals.lock(id);
        if (row?.status !== 'PENDING') return null;
        await unit.approvals.decide(id, { status: 'EXPIRED', by: null, outcome: null });
        await record(unit, 'expire', row, BY_SERVICE);
        return row;
      });
      if (expired !== null) this.log('expired', expired, BY_SERVICE);
    }
  }

  private log(act: string, approval: Approval, { actor, requestId }: CallOrigin): void {
    const { id, action, subject, campaignId, requestedBy } = approval;
    this.logger.log({
      message: `approval ${id} of ${action} was ${act}`,
      event: `approval.${act}`,
      approvalId: id,
      action,
      subject,
      campaignId,
      requestedBy: requestedBy.name,
      actor: actor.name,
      actorId: actor.id,
      requestId,
    });
  }
}

/** Why this caller may not decide it. */
function refusalOf(approval: Approval | null, { actor }: CallOrigin): DecisionOutcome | null {
  if (approval === null) return { kind: 'approval-not-found' };
  // mutant: approved-alone
  return approval.requestedBy.id === actor.id ? { kind: 'own-approval' } : null;
}

/** A line in the audit that names both operators. */
async function record(
  unit: UnitOfWork,
  act: 'request' | 'approve' | 'reject' | 'fail' | 'expire',
  { id, action, subject, campaignId, requestedBy, order, consequences }: Approval,
  by: CallOrigin,
  outcome?: ApprovalFacts,
): Promise<void> {
  const { secretDigest: _secretDigest, ...asked } = order;
  const came = outcome === undefined ? {} : { outcome };
  const detail = { action, of: subject, requestedBy, order: asked, consequences, ...came };
  await unit.audit.record({ action: `approval.${act}`, subject: id, campaignId, by, detail });
}
