import { LessThan, LessThanOrEqual } from 'typeorm';
import {
  type Approval,
  type ApprovalDecision,
  type ApprovalFacts,
  type ApprovalRequest,
  type ApprovalStatus,
  ApprovalStore,
} from '../../../ports/database/approval-store.js';
import { ApprovalEntity } from '../entities/approval.entity.js';
import { type SqlSession } from '../sql-session.js';

export class SqlApprovalStore extends ApprovalStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async insert(request: ApprovalRequest, lifetimeMs: number): Promise<Approval> {
    const { requestedBy, order, consequences, ...fields } = request;
    const now = await this.sql.now();
    const row: ApprovalEntity = {
      ...fields,
      order: JSON.stringify(order),
      consequences: JSON.stringify(consequences),
      outcome: null,
      status: 'PENDING',
      requestedById: requestedBy.id,
      requestedByName: requestedBy.name,
      decidedById: null,
      decidedByName: null,
      decidedAt: null,
      expiresAt: now + lifetimeMs,
      createdAt: now,
    };
    await this.approvals.insert({ ...row });
    return toApproval(row);
  }

  async find(id: string): Promise<Approval | null> {
    const row = await this.approvals.findOneBy({ id });
    return row === null ? null : toApproval(row);
  }

  async lock(id: string): Promise<Approval | null> {
    const { lockExclusive } = this.sql.dialect;
    // mutant: unlocked-approval
    const locked = await this.sql.select(`SELECT id FROM approvals WHERE id = ?${lockExclusive}`, [id]);
    return locked.length === 0 ? null : this.find(id);
  }

  async list(filter: { limit: number; beforeId?: string; status?: ApprovalStatus }): Promise<Approval[]> {
    const { limit, beforeId, status } = filter;
    const where = {
      ...(beforeId === undefined ? {} : { id: LessThan(beforeId) }),
      ...(status === undefined ? {} : { status }),
    };
    return (await this.approvals.find({ where, order: { id: 'DESC' }, take: limit })).map(toApproval);
  }

  async overdue(limit: number): Promise<Approval[]> {
    const where = { status: 'PENDING' as const, expiresAt: LessThanOrEqual(await this.sql.now()) };
    return (await this.approvals.find({ where, order: { id: 'ASC' }, take: limit })).map(toApproval);
  }

  async decide(id: string, { status, by, outcome }: ApprovalDecision): Promise<void> {
    const decided = { decidedById: by?.id ?? null, decidedByName: by?.name ?? null, decidedAt: await this.sql.now() };
    await this.approvals.update(
      { id },
      { status, ...decided, outcome: outcome === null ? null : JSON.stringify(outcome) },
    );
  }

  async setOutcome(id: string, outcome: ApprovalFacts): Promise<void> {
    await this.approvals.update({ id }, { outcome: JSON.stringify(outcome) });
  }

  private get approvals() {
    return this.sql.repository(ApprovalEntity);
  }
}

function toApproval(row: ApprovalEntity): Approval {
  const { requestedById, requestedByName, decidedById, decidedByName, order, consequences, outcome, ...fields } = row;
  return {
    ...fields,
    order: JSON.parse(order) as ApprovalFacts,
    consequences: JSON.parse(consequences) as ApprovalFacts,
    outcome: outcome === null ? null : (JSON.parse(outcome) as ApprovalFacts),
    requestedBy: { id: requestedById, name: requestedByName },
    decidedBy: decidedById === null ? null : { id: decidedById, name: decidedByName ?? decidedById },
  };
}
