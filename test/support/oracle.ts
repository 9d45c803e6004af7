import { type Cluster } from './cluster.js';
import { type Drop, type PromisedClaim } from './drop.js';

/** The broken promises of one drop. All numbers are 0 if every promise was kept. */
export interface Verdict {
  /** 202s without a coupon. */
  readonly lost: number;
  /** Coupons beyond the total. */
  readonly over: number;
  /** Rows beyond one for each user. */
  readonly dup: number;
  /** Coupons of users who never asked. */
  readonly ghost: number;
  /** Pending claims and failed events that are in no final state. */
  readonly stuck: number;
  /** Coupons that were not sold although enough users asked. */
  readonly under: number;
  /** 202s with the same sequence as another one. */
  readonly sameSequence: number;
}

export const KEPT: Verdict = { lost: 0, over: 0, dup: 0, ghost: 0, stuck: 0, under: 0, sameSequence: 0 };

/** The facts from which the verdict is made. */
export interface Evidence {
  /** Every coupon of the campaign. */
  readonly coupons: readonly { readonly userId: string; readonly claimId: string }[];
  /** Failed events in no final state. */
  readonly unfinished: number;
  /** Pending claims, from the audit of the campaign. */
  readonly pending: number;
  readonly drift: number;
}

/** Promises that an operator has changed. */
export interface Pardon {
  /** True for a promise that an operator took back. */
  readonly excuse?: (claim: PromisedClaim) => boolean;
}

/**
 * Judges by the rows in the database, not by what the service reports. Only the number of pending claims comes from the
 * service.
 */
export async function judge(cluster: Cluster, drop: Drop, pardon: Pardon = {}): Promise<Verdict> {
  const { campaignId } = drop;
  const coupons = await cluster.rows('SELECT user_id, claim_id FROM coupons WHERE campaign_id = ?', [campaignId]);
  const [unfinished] = await cluster.rows(
    "SELECT COUNT(*) AS count FROM failed_events WHERE campaign_id = ? AND status NOT IN ('RESOLVED', 'DISCARDED')",
    [campaignId],
  );
  const { gate, pending, drift } = (await cluster.client().audit(campaignId)) as Record<string, unknown>;
  // null means that the gate is closed or away: what it holds is unknown, which is not the same as nothing.
  if (typeof gate !== 'number' || typeof pending !== 'number' || typeof drift !== 'number') {
    throw new Error(`the audit does not know what the gate holds: ${JSON.stringify({ gate, pending, drift })}`);
  }
  return weigh(
    drop,
    {
      coupons: coupons.map(({ user_id: user, claim_id: claim }) => ({ userId: String(user), claimId: String(claim) })),
      unfinished: Number(unfinished?.['count']),
      pending,
      drift,
    },
    pardon,
  );
}

/** @throws if the service's own audit finds a drift. */
export function weigh(
  drop: Drop,
  { coupons, unfinished, pending, drift }: Evidence,
  { excuse = () => false }: Pardon = {},
): Verdict {
  if (drift !== 0) throw new Error(`the audit finds a drift of ${drift}`);
  const { total } = drop;
  const claimOf = new Map(coupons.map(({ userId, claimId }) => [userId, claimId]));
  const promised = drop.promised().filter((claim) => !excuse(claim));
  return {
    lost: promised.filter(({ userId, claimId }) => claimOf.get(userId) !== claimId).length,
    over: Math.max(0, coupons.length - total),
    dup: coupons.length - claimOf.size,
    ghost: [...claimOf.keys()].filter((user) => !drop.asked.has(user)).length,
    stuck: pending + unfinished,
    under: drop.asked.size >= total ? Math.max(0, total - coupons.length) : 0,
    sameSequence: promised.length - new Set(promised.map(({ sequence }) => sequence)).size,
  };
}
