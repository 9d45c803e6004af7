import { ActDialog } from './ActDialog.tsx';
import { actOnAll, actOnRow, type BulkFilter } from './act.ts';
import { runBulk } from './run-bulk.ts';
import { runMany } from './run-many.ts';
import { type Action, consequenceOf } from './selection.ts';
import { type FailedEvent } from './words.ts';

/** What the operator is about to do. */
export type Act =
  | { readonly action: Action; readonly rows: readonly FailedEvent[] }
  | { readonly action: Action; readonly filter: BulkFilter; readonly claims: number; readonly unreadable: number };

interface ActingProps {
  readonly act: Act;
  readonly onClose: (hasActed: boolean) => void;
}

/** Asks about the act, and does it: row by row where rows were selected, by one order where a filter names them. */
export function Acting({ act, onClose }: ActingProps) {
  const { action } = act;
  if ('rows' in act) {
    const { rows, ...consequence } = consequenceOf(action, act.rows);
    return (
      <ActDialog
        action={action}
        consequence={consequence}
        count={rows.length}
        run={(reason, report, isStopped) => runMany(rows, (row) => actOnRow(action, row, reason), report, isStopped)}
        onClose={onClose}
      />
    );
  }
  const { filter, claims, unreadable } = act;
  const count = claims + unreadable;
  const isRequeue = action === 'requeue';
  const { campaignId } = filter;
  return (
    <ActDialog
      action={action}
      consequence={{
        claimCount: claims,
        claims: campaignId === undefined ? [] : [{ campaignId, count: claims }],
        withoutClaim: isRequeue ? 0 : unreadable,
        left: isRequeue ? unreadable : 0,
      }}
      count={isRequeue ? claims : count}
      run={(reason, report, isStopped) =>
        runBulk(count, (expected) => actOnAll(action, filter, expected, reason), report, isStopped)
      }
      onClose={onClose}
    />
  );
}
