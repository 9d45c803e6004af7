import { mayBeOpening } from '../../domain/campaign-opening.js';
import { type Fenced, type FenceReason, type GatePass, type IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { type Campaign } from '../../ports/database/campaign-store.js';
import { type Database, type UnitOfWork } from '../../ports/database/database.js';

/** Campaigns read, and asked of the gate, at once. */
export const CAMPAIGN_PAGE = 200;

/** One page of campaigns, with the database's clock at the moment of the read. */
export interface CampaignPage {
  readonly campaigns: readonly Campaign[];
  readonly readAt: number;
}

/** Every campaign, by id, in pages; each page is its own read, so that nothing is held while the caller works. */
export async function* campaignPages(database: Database): AsyncGenerator<CampaignPage> {
  let after = '';
  for (;;) {
    const page = await database.read(async (unit) => ({
      campaigns: await unit.campaigns.listAfter(after, CAMPAIGN_PAGE),
      readAt: await unit.now(),
    }));
    const last = page.campaigns.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.campaigns.length < CAMPAIGN_PAGE) return;
    after = last.id;
  }
}

/** Every campaign within one unit of work. */
export async function forEachCampaign(unit: UnitOfWork, work: (campaign: Campaign) => void): Promise<void> {
  let after = '';
  for (;;) {
    const campaigns = await unit.campaigns.listAfter(after, CAMPAIGN_PAGE);
    campaigns.forEach(work);
    const last = campaigns.at(-1);
    if (last === undefined || campaigns.length < CAMPAIGN_PAGE) return;
    after = last.id;
  }
}

/** Is this answer about this campaign a fence, and not just its meta that is still on the way? */
export function isRealFence({ reason }: Fenced, campaign: Campaign, readAt: number): boolean {
  return reason !== 'meta-missing' || !mayBeOpening(campaign, readAt);
}

/** Why the gate cannot be trusted under this pass, or null. Rejects when the gate cannot be reached. */
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
      if (campaign !== undefined && gauge.kind === 'FENCED' && isRealFence(gauge, campaign, readAt)) {
        return gauge.reason;
      }
    }
  }
  return null;
}
