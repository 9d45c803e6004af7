import { type CallOrigin } from '../../platform/identity/actor.js';
import { type ProblemCode } from '../../platform/http/problem/problem-catalogue.js';
import { type Problem } from '../../platform/http/problem/problem.js';
import {
  type Approval,
  type ApprovalFacts,
  type ApprovalRequest,
  type ApprovedAction,
} from '../database/approval-store.js';
import { type UnitOfWork } from '../database/database.js';

/**
 * Whether an act needs a second operator (`TWO_PERSON`). Where it does, the act answers `approval-needed` and has changed
 * nothing. Where one has approved, the act calls `note` in its own transaction: the approval is used up exactly when the act is
 * stored.
 */
export type Assent =
  | { readonly kind: 'not-needed' | 'needed' }
  | { readonly kind: 'given'; readonly note: (unit: UnitOfWork) => Promise<void> };

/** For acts of commands and of the service itself. */
export const NO_ASSENT: Assent = { kind: 'not-needed' };

/** What came of an approved act. */
export type Execution =
  | { readonly kind: 'executed'; readonly outcome: ApprovalFacts }
  /** It is not what it was when it was asked for. Nothing was changed, and nothing will be. */
  | { readonly kind: 'refused'; readonly code: ProblemCode; readonly now: ApprovalFacts }
  /** The answer is this problem. What was not stored can be approved again. */
  | { readonly kind: 'not-now'; readonly problem: Problem };

/** Does what was asked for, and only if it is as it was. */
export type Executor = (order: ApprovalFacts, by: CallOrigin, assent: Assent, subject: string) => Promise<Execution>;

/** Acts that need a second operator: each module brings those of its own. */
export abstract class Approvals {
  /** Of calls of operators. */
  abstract readonly assent: Assent;

  /** Call it while the application starts. */
  abstract register(action: ApprovedAction, executor: Executor): void;

  /**
   * Keeps an act for another operator, who has 15 minutes.
   * @throws DatabaseError
   */
  abstract ask(request: Omit<ApprovalRequest, 'id' | 'requestedBy'>, by: CallOrigin): Promise<Approval>;
}
