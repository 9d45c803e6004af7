import { Injectable, Logger } from '@nestjs/common';
import { logOpened } from '../../domain/campaign-log-lines.js';
import { type Campaign } from '../../domain/campaign.js';
import { type CampaignPage, campaignPages } from '../../ports/database/campaign-pages.js';
import { Database } from '../../ports/database/database.js';
import { type CampaignGauge, type GatePass, IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { QuietCampaigns } from '../gate-watch/quiet-campaigns.js';
import { StoredCampaignIds } from '../gate-watch/stored-campaign-ids.js';
import { differs, TermsAtGate } from '../gate-watch/terms-at-gate.js';
import { findCampaignFence } from './find-fence.js';
import { RecoveryMetrics } from './recovery.metrics.js';
import { UnexplainedClaims } from './unexplained-claims.js';

/**
 * Copies the database's terms to the gate where the gate has missed a change, and opens a campaign that the gate has not
 * heard of: the api may die between the two. A meta that was there and is missing is never made again. The gate's memory
 * is damaged then, and a new one would open a campaign that has forgotten its claims.
 */
@Injectable()
export class GateReconciler {
  private readonly logger = new Logger(GateReconciler.name);

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    private readonly metrics: RecoveryMetrics,
    private readonly terms: TermsAtGate,
    private readonly storedIds: StoredCampaignIds,
    private readonly unexplained: UnexplainedClaims,
    private readonly quiet: QuietCampaigns,
  ) {}

  /**
   * One round over all campaigns at the gate. It asks about quiet ones only by turns. The comparison ends early at a
   * fence. Rejects when database or gate are away. Reads the ids also while the gate is closed: the metrics of refused
   * claims need them.
   *
   * @returns whether every campaign at the gate was compared.
   */
  async reconcile(): Promise<boolean> {
    const { pass } = this.watch;
    const ids: string[] = [];
    const listed = new Set<string>();
    let unlabelled: number | null = pass === null ? null : 0;
    let failure: unknown = null;
    this.quiet.beginRound();
    for await (const page of campaignPages(this.database)) {
      for (const { id, state } of page.campaigns) {
        listed.add(id);
        if (state !== 'CLOSED') ids.push(id);
      }
      if (pass === null || unlabelled === null) continue;
      try {
        const found = await this.comparePage(pass, page);
        unlabelled = found === null ? null : unlabelled + found;
      } catch (error) {
        failure = error;
        unlabelled = null;
      }
    }
    this.storedIds.replace(ids);
    this.quiet.endRound(listed);
    if (failure !== null) throw failure as Error;
    if (pass === null || unlabelled === null) return false;
    this.metrics.setUnlabelled(unlabelled);
    await this.unexplained.findMissing(pass, listed);
    return true;
  }

  /** @returns how many campaigns of the page have no series of their own; null when a fence was met. */
  private async comparePage(pass: GatePass, { campaigns, readAt }: CampaignPage): Promise<number | null> {
    const asked: Campaign[] = [];
    let unlabelled = 0;
    for (const campaign of campaigns) {
      if (this.quiet.isDue(pass, campaign)) asked.push(campaign);
      else if (campaign.state !== 'CLOSED' && !this.metrics.isLabel(campaign.id)) unlabelled += 1;
    }
    if (asked.length === 0) return unlabelled;
    const now = await this.gate.now();
    const gauges = await this.gate.gauge(
      pass,
      asked.map(({ id }) => id),
    );
    for (const [index, campaign] of asked.entries()) {
      const gauge = gauges[index];
      if (gauge === undefined) continue;
      if (gauge.kind === 'fenced') {
        const reason = await findCampaignFence(this.database, this.gate, pass, gauge, campaign, readAt);
        // It is open now, and the next round compares it; or it has left the gate.
        if (reason === null) continue;
        this.watch.reportFence(pass.epoch, reason);
        return null;
      }
      // A closed campaign may still have claims on their way: keep its series until they have arrived.
      if (campaign.state === 'CLOSED' && gauge.pending === 0) this.metrics.retire(campaign.id);
      else if (this.metrics.setStock(campaign, gauge)) this.metrics.setPending(gauge, now);
      else unlabelled += 1;
      this.quiet.note(pass, campaign, gauge, now);
      await this.compare(pass, campaign, gauge);
      if (isOpening(campaign, gauge, now)) await this.markOpened(campaign);
    }
    if (await this.unexplained.findIn(pass, asked, gauges)) return null;
    return unlabelled;
  }

  /** Several processes may see the opening. Only the one that marks it in the database logs it. */
  private async markOpened(campaign: Campaign): Promise<void> {
    const marked = await this.database.transaction((unit) => unit.campaigns.markOpened(campaign.id, campaign.version));
    if (marked) logOpened(campaign);
  }

  private async compare(pass: GatePass, campaign: Campaign, gauge: CampaignGauge): Promise<void> {
    if (!differs(gauge, campaign)) return;
    const outcome = await this.terms.bring(campaign, pass);
    if (outcome.kind === 'agreed' && outcome.told) {
      this.logger.warn(`campaign ${campaign.id}: the gate had lost version ${outcome.campaign.version} and has it now`);
    } else if (outcome.kind === 'total-below-claimed') {
      // Only after a total was lowered in the database by hand; the gate cannot take claims back.
      this.logger.error(`campaign ${campaign.id}: more was claimed than its total of ${campaign.total}`);
    }
  }
}

/** Does the gate admit claims of the campaign, and no process has marked that yet? `now` is the gate's clock. */
function isOpening({ openedAt, state, startsAt, endsAt, version }: Campaign, { terms }: CampaignGauge, now: number) {
  if (openedAt !== null || state !== 'OPEN' || terms.version !== version) return false;
  return startsAt <= now && (endsAt === null || now < endsAt);
}
