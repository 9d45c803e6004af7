import { type Campaign, mayBeOpening } from '../../domain/campaign.js';
import { campaignPages } from '../../ports/database/campaign-pages.js';
import { type Database } from '../../ports/database/database.js';
import { type Fenced, type FenceReason, type GatePass, type IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { openMissing } from '../gate-watch/open-missing.js';

/**
 * Why the gate cannot be trusted because of this campaign, or null. A campaign without a meta is opened: it never was at
 * the gate. It is a fence if the gate has had it in this epoch, unless it has left since the caller has read it.
 *
 * The script of an older version cannot tell the two apart. Under it, a missing meta is a fence unless the campaign is so
 * new that it may still be on its way to the gate.
 * @param readAt ms, the database's clock, read after the campaign.
 */
export async function findCampaignFence(
  database: Database,
  gate: IssuanceGate,
  pass: GatePass,
  { reason }: Fenced,
  campaign: Campaign,
  readAt: number,
): Promise<FenceReason | null> {
  if (reason !== 'meta-missing') return reason;
  const outcome = await openMissing(database, gate, pass, campaign.id);
  if (outcome.kind === 'fenced') return outcome.reason;
  return outcome.kind === 'unsupported' && !mayBeOpening(campaign, readAt) ? reason : null;
}

/** @returns why the gate cannot be trusted under this pass, or null. Rejects when the gate cannot be reached. */
export async function findFence(database: Database, gate: IssuanceGate, pass: GatePass): Promise<FenceReason | null> {
  const ping = await gate.ping(pass);
  if (ping.kind !== 'ok') return ping.reason;
  for await (const { campaigns, readAt } of campaignPages(database)) {
    const gauges = await gate.gauge(
      pass,
      campaigns.map(({ id }) => id),
    );
    for (const [index, gauge] of gauges.entries()) {
      const campaign = campaigns[index];
      if (campaign === undefined || gauge.kind !== 'fenced') continue;
      const reason = await findCampaignFence(database, gate, pass, gauge, campaign, readAt);
      if (reason !== null) return reason;
    }
  }
  return null;
}
