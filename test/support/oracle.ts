import { expect } from '@jest/globals';
import { type Cluster } from './cluster.js';
import { type Drop } from './drop.js';
import { eventually } from './eventually.js';

/** What became of the promises of one drop; all zero when they are kept. */
export interface Verdict {
  /** 202s without their coupon. */
  readonly lost: number;
  /** Coupons beyond the total. */
  readonly over: number;
  /** Rows beyond one for each user. */
  readonly dup: number;
  /** Coupons of users who never asked. */
  readonly ghost: number;
  /** Pending claims and failed events that are in no final state. */
  readonly stuck: number;
  /** Coupons unsold although enough users asked. */
  readonly under: number;
  /** 202s that carry the sequence of another one. */
  readonly sameSequence: number;
}

export const KEPT: Verdict = { lost: 0, over: 0, dup: 0, ghost: 0, stuck: 0, under: 0, sameSequence: 0 };

/** Judges by the rows themselves, not by what the service says of them; only the pending claims are asked of it. */
export async function judge(cluster: Cluster, drop: Drop): Promise<Verdict> {
  const { campaignId, total } = drop;
  const coupons = await cluster.rows('SELECT user_id, claim_id FROM coupons WHERE campaign_id = ?', [campaignId]);
  const claimOf = new Map(coupons.map(({ user_id: user, claim_id: claim }) => [String(user), String(claim)]));
  const [unfinished] = await cluster.rows(
    "SELECT COUNT(*) AS count FROM failed_events WHERE campaign_id = ? AND status NOT IN ('RESOLVED', 'DISCARDED')",
    [campaignId],
  );
  const { pending, drift } = await cluster.client().audit(campaignId);
  if (drift !== 0) throw new Error(`the audit finds a drift of ${drift}`);
  const promised = drop.promised();
  return {
    lost: promised.filter(({ userId, claimId }) => claimOf.get(userId) !== claimId).length,
    over: Math.max(0, coupons.length - total),
    dup: coupons.length - claimOf.size,
    ghost: [...claimOf.keys()].filter((user) => !drop.asked.has(user)).length,
    stuck: pending + Number(unfinished?.['count']),
    under: drop.asked.size >= total ? Math.max(0, total - coupons.length) : 0,
    sameSequence: promised.length - new Set(promised.map(({ sequence }) => sequence)).size,
  };
}

/** Waits until every promise of the drop is seen to be kept. @throws with the last verdict after the deadline. */
export function expectKept(cluster: Cluster, drop: Drop, withinMs: number): Promise<void> {
  return eventually(async () => expect(await judge(cluster, drop)).toEqual(KEPT), withinMs);
}
