import { type Outcome } from '../../api/attempt.ts';
import { type Approval, isApproval } from '../approvals/approval.ts';
import { nothingOf, type Progress, waiting } from './run-many.ts';

/** What one call of the API did, which changes at most so many rows. */
export interface BulkResult {
  readonly changed: number;
  /** Problem code → rows that were left as they are. */
  readonly refused: Readonly<Record<string, number>>;
  /** Rows that the filter still names. */
  readonly left: number;
}

/**
 * Acts on all rows of a filter, call by call.
 *
 * Each call says how many rows it expects, so that nothing happens to rows that the operator has not been told of. Rows
 * that are refused are named again by the next call; a call that changes nothing is the last one.
 *
 * @param total how many rows the operator was told.
 */
export async function runBulk(
  total: number,
  call: (expected: number) => Promise<Outcome<BulkResult | Approval>>,
  report: (progress: Progress) => void,
  isStopped: () => boolean,
): Promise<Progress> {
  let progress = nothingOf(total);
  let expected = total;
  for (;;) {
    const outcome = await call(expected);
    if (!outcome.ok) return { ...progress, stopped: outcome.failure };
    if (isApproval(outcome.data)) return { ...progress, ...waiting(progress, expected, outcome.data.expiresAt) };
    const { changed, refused, left } = outcome.data;
    progress = { ...progress, done: progress.done + changed, refused: new Map(Object.entries(refused)) };
    report(progress);
    if (left === 0 || changed === 0) return progress;
    if (isStopped()) return { ...progress, stopped: 'by-operator' };
    expected = left;
  }
}
