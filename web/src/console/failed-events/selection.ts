import { type FailedEvent, mayDiscard, mayRequeue } from './words.ts';

export type Action = 'requeue' | 'discard';

/** What an action would do to the selected rows, before it is done. */
export interface Consequence {
  /** Rows to which it will be done. */
  readonly rows: readonly FailedEvent[];
  /** Selected rows to which it cannot be done: their state is another one, or they hold no claim to publish. */
  readonly left: number;
  /** Claims of these rows. */
  readonly claimCount: number;
  /** The same by campaign, the most first. */
  readonly claims: readonly { readonly campaignId: string; readonly count: number }[];
  /** Rows that hold no claim that could be read. */
  readonly withoutClaim: number;
}

export function consequenceOf(action: Action, selected: Iterable<FailedEvent>): Consequence {
  const fits = action === 'requeue' ? mayRequeue : mayDiscard;
  const all = [...selected];
  const rows = all.filter(fits);
  const claims = new Map<string, number>();
  for (const { campaignId } of rows) {
    if (campaignId !== null) claims.set(campaignId, (claims.get(campaignId) ?? 0) + 1);
  }
  return {
    rows,
    left: all.length - rows.length,
    claimCount: rows.filter(({ campaignId }) => campaignId !== null).length,
    claims: [...claims]
      .map(([campaignId, count]) => ({ campaignId, count }))
      .sort((one, other) => other.count - one.count),
    withoutClaim: rows.filter(({ campaignId }) => campaignId === null).length,
  };
}
