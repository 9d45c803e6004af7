import { Injectable } from '@nestjs/common';
import { type Campaign } from '../../domain/campaign.js';
import { Database } from '../../ports/database/database.js';
import { termsOf } from '../../ports/gate/campaign-terms.js';
import { type CampaignGauge, type Fenced, type GatePass, IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from './epoch-watch.js';

/** A second round is needed only when another writer has changed the campaign in between. */
const MAX_ROUNDS = 5;

/** Whether the gate has heard what the database stores about a campaign. */
export type TermsOutcome =
  /**
   * At some moment after the call the gate had exactly what the database stores: `campaign`. It is newer than the
   * argument when another writer changed it in between. `told`: this call brought it to the gate. A campaign that has
   * left the gate is closed for good, and the gate need not hear of it.
   */
  | { readonly kind: 'agreed'; readonly campaign: Campaign; readonly told: boolean }
  /** The gate of this epoch cannot be trusted, or is not the current one any more. */
  | { readonly kind: 'fenced' | 'epoch-over' }
  /** The gate does not know the campaign: it was stored a moment ago, or it is lost. */
  | { readonly kind: 'unknown' }
  /** Other writers changed the campaign in every round. */
  | { readonly kind: 'contended' }
  /** Claims hold more slots than the total, which was lowered in the database by hand. */
  | { readonly kind: 'total-below-claimed' };

/**
 * Brings the stored terms of a campaign to the gate, and says whether the gate has them. An operator relies on the
 * answer that a campaign is paused, so only the gate's own confirmation after the commit counts.
 */
@Injectable()
export class TermsAtGate {
  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
  ) {}

  /**
   * @param campaign as it was committed.
   * @param pass of the gate row, read in the transaction that committed the campaign or later. An epoch that is built
   * after that begins with these terms.
   * @throws GateUnavailableError, GateTimeoutError, DatabaseError
   */
  async bring(campaign: Campaign, pass: GatePass): Promise<TermsOutcome> {
    let stored = campaign;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const answer = await this.gate.changeTerms(pass, termsOf(stored));
      if (answer.kind === 'changed') return { kind: 'agreed', campaign: stored, told: true };
      if (answer.kind === 'total-below-claimed') return answer;
      if (answer.kind === 'fenced') return this.fenced(pass, answer, await this.find(stored.id));
      const found = await this.compare(stored.id, pass);
      if (found.kind !== 'behind') return found;
      stored = found.campaign;
    }
    return { kind: 'contended' };
  }

  /** @param campaign read after the fence was met: what it says about leaving the gate is true by then. */
  private fenced(pass: GatePass, fence: Fenced, campaign: Campaign | null): TermsOutcome {
    if (campaign !== null && campaign.leftGateAt !== null) return { kind: 'agreed', campaign, told: false };
    this.watch.reportCampaignFence(pass, fence);
    return { kind: fence.reason === 'meta-missing' ? 'unknown' : 'fenced' };
  }

  private find(id: string): Promise<Campaign | null> {
    return this.database.read((unit) => unit.campaigns.find(id));
  }

  /**
   * The gate has this version or a later one, but perhaps with other terms: a lowering goes to the gate first, and its
   * transaction may have failed afterwards. The row's lock waits for a lowering that is still under way. If the gate is
   * ahead even then, that change is lost, and the row gets a version that the gate has to accept.
   */
  private async compare(
    campaignId: string,
    pass: GatePass,
  ): Promise<TermsOutcome | { readonly kind: 'behind'; readonly campaign: Campaign }> {
    return this.database.transaction(async (unit) => {
      const row = await unit.gate.lockShared();
      if (row.epoch !== pass.epoch || row.fence !== pass.fence) return { kind: 'epoch-over' };
      const [campaign] = await unit.campaigns.lock([campaignId]);
      const [gauge] = await this.gate.gauge(pass, [campaignId]);
      if (campaign === undefined || gauge === undefined) return { kind: 'epoch-over' };
      if (gauge.kind === 'fenced') return this.fenced(pass, gauge, campaign);
      if (gauge.terms.version < campaign.version) return { kind: 'behind', campaign };
      if (!differs(gauge, campaign)) return { kind: 'agreed', campaign, told: false };
      const version = gauge.terms.version + 1;
      // The next round tells the gate, after the commit: the gate's total may only rise to a total that is stored.
      return { kind: 'behind', campaign: await unit.campaigns.update(campaignId, {}, version) };
    });
  }
}

/** Another version, or the same version with other terms: these the gate would always ignore. */
export function differs({ terms }: CampaignGauge, campaign: Campaign): boolean {
  return (
    terms.version !== campaign.version ||
    terms.total !== campaign.total ||
    terms.startsAt !== campaign.startsAt ||
    terms.endsAt !== campaign.endsAt ||
    terms.state !== campaign.state
  );
}
