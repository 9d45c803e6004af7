import { type AdminRole } from '../../platform/identity/key-role.js';
import { type Actor } from '../../platform/identity/actor.js';

/** PENDING until another operator decides, or until its time is over. The others are final. */
export const APPROVAL_STATUSES = ['PENDING', 'EXECUTED', 'FAILED', 'REJECTED', 'EXPIRED'] as const;

export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

/** The acts that need a second operator. */
export const APPROVED_ACTIONS = [
  'campaign.close',
  'campaign.change',
  'failed-event.discard',
  'failed-events.discard',
  'key.create',
  'key.revoke',
] as const;

export type ApprovedAction = (typeof APPROVED_ACTIONS)[number];

/** Small JSON. */
export type ApprovalFacts = Readonly<Record<string, unknown>>;

/** What an operator has asked for. */
export interface ApprovalRequest {
  readonly id: string;
  readonly action: ApprovedAction;
  /** The id of what is acted on. */
  readonly subject: string;
  readonly campaignId: string | null;
  /** The role that the act needs, also of the one who approves it. */
  readonly neededRole: AdminRole;
  /** All that is needed to do it, and the version of what it was asked for. */
  readonly order: ApprovalFacts;
  /** What it would do, in numbers, when it was asked for. */
  readonly consequences: ApprovalFacts;
  readonly requestedBy: Pick<Actor, 'id' | 'name'>;
}

/** One row of `approvals`. Instants are ms, by the database's clock. */
export interface Approval extends ApprovalRequest {
  readonly status: ApprovalStatus;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** null while PENDING, and when its time was over. */
  readonly decidedBy: Pick<Actor, 'id' | 'name'> | null;
  readonly decidedAt: number | null;
  /** What came of it. */
  readonly outcome: ApprovalFacts | null;
}

export interface ApprovalDecision {
  readonly status: Exclude<ApprovalStatus, 'PENDING'>;
  readonly by: Pick<Actor, 'id' | 'name'> | null;
  readonly outcome: ApprovalFacts | null;
}

/** The table `approvals`. It is locked last: behind campaigns, failed events and keys. */
export abstract class ApprovalStore {
  /** PENDING, for `lifetimeMs` from now. */
  abstract insert(request: ApprovalRequest, lifetimeMs: number): Promise<Approval>;

  abstract find(id: string): Promise<Approval | null>;

  /** {@link find} with the row locked until the transaction ends. */
  abstract lock(id: string): Promise<Approval | null>;

  /** Newest first, from before the id `beforeId`. */
  abstract list(filter: { limit: number; beforeId?: string; status?: ApprovalStatus }): Promise<Approval[]>;

  /** Those that are PENDING although their time is over. */
  abstract overdue(limit: number): Promise<Approval[]>;

  /** The caller holds the row's lock, and has seen it PENDING. */
  abstract decide(id: string, decision: ApprovalDecision): Promise<void>;

  /** What came of an act that goes on after the decision was stored. */
  abstract setOutcome(id: string, outcome: ApprovalFacts): Promise<void>;
}
