import { type StoredCoupon } from '../../oracle/history.js';
import { type Pardon, type Verdict, weigh } from '../../oracle/verdict.js';
import { type Cluster } from './cluster.js';
import { type Drop } from './drop.js';

/**
 * Judges by the 202s in the drop's own file and by the rows in the database, not by what the service reports. Only the
 * number of pending claims comes from the service.
 */
export async function judge(cluster: Cluster, drop: Drop, pardon: Pardon = {}): Promise<Verdict> {
  const { campaignId } = drop;
  const coupons = await cluster.rows(
    'SELECT user_id, claim_id, sequence, claimed_at FROM coupons WHERE campaign_id = ?',
    [campaignId],
  );
  const failed = await cluster.rows('SELECT user_id, sequence, status FROM failed_events WHERE campaign_id = ?', [
    campaignId,
  ]);
  const audit = (await cluster.client().audit(campaignId)) as Record<string, unknown>;
  // A campaign that has left the gate holds nothing there, and nothing of it is on its way.
  const { gate, pending, drift } = audit['leftGateAt'] === null ? audit : { ...audit, gate: 0, pending: 0 };
  // null means that the gate is closed or away: what it holds is unknown, which is not the same as nothing.
  if (typeof gate !== 'number' || typeof pending !== 'number' || typeof drift !== 'number') {
    throw new Error(`the audit does not know what the gate holds: ${JSON.stringify({ gate, pending, drift })}`);
  }
  return weigh(
    drop,
    {
      coupons: coupons.map(couponOf),
      discarded: failed
        .filter(({ status }) => status === 'DISCARDED')
        .map((row) => ({ userId: String(row['user_id']), sequence: Number(row['sequence']) })),
      unfinished: failed.filter(({ status }) => status !== 'RESOLVED' && status !== 'DISCARDED').length,
      pending,
      drift,
      epoch: await cluster.epoch(),
    },
    pardon,
  );
}

/** @param row with the columns `user_id`, `claim_id`, `sequence` and `claimed_at`. */
export function couponOf(row: Readonly<Record<string, unknown>>): StoredCoupon {
  return {
    userId: String(row['user_id']),
    claimId: String(row['claim_id']),
    sequence: Number(row['sequence']),
    claimedAt: Number(row['claimed_at']),
  };
}
