import { type Campaign, mayBeOpening } from '../../domain/campaign.js';
import { campaignPages } from '../../ports/database/campaign-pages.js';
import { type Database } from '../../ports/database/database.js';
import { type Fenced, type FenceReason, type GatePass, type IssuanceGate } from '../../ports/gate/issuance-gate.js';

/** False when only the meta is missing and the campaign is so new that it may still be on its way to the gate. */
export function isRealFence({ reason }: Fenced, campaign: Campaign, readAt: number): boolean {
  return reason !== 'meta-missing' || !mayBeOpening(campaign, readAt);
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
      if (campaign !== undefined && gauge.kind === 'fenced' && isRealFence(gauge, campaign, readAt)) {
        return gauge.reason;
      }
    }
  }
  return null;
}
