import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Campaign } from '../../domain/campaign.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { Approvals, type Assent, type Execution } from '../../ports/approvals/approvals.js';
import { type Approval, type ApprovalFacts } from '../../ports/database/approval-store.js';
import { type CampaignChange } from '../../ports/database/campaign-store.js';
import { CampaignAdministration, type CampaignChangeOutcome } from './campaign-administration.js';
import { CampaignCatalogue } from './campaign-catalogue.js';
import { CampaignConsequencesReader } from './campaign-consequences.js';
import { CampaignDesk } from './campaign-desk.js';
import { campaignConsequencesJson } from './campaign-json.js';
import { notTold } from './campaign-problems.js';

/** Closes campaigns and lowers totals when a second operator has approved it, and only those that are as they were. */
@Injectable()
export class CampaignApprovals implements OnModuleInit {
  constructor(
    private readonly approvals: Approvals,
    private readonly administration: CampaignAdministration,
    private readonly consequences: CampaignConsequencesReader,
    private readonly desk: CampaignDesk,
    private readonly catalogue: CampaignCatalogue,
  ) {}

  /** Of calls of operators. */
  get assent(): Assent {
    return this.approvals.assent;
  }

  onModuleInit(): void {
    this.approvals.register('campaign.close', (order, by, assent, id) =>
      this.execute(id, () => this.administration.act(id, 'close', by, assent, isVersionOf(order))),
    );
    this.approvals.register('campaign.change', (order, by, assent, id) =>
      this.execute(id, () =>
        this.administration.change(id, order.change as CampaignChange, isVersionOf(order), by, assent),
      ),
    );
  }

  /** @param change null: close it. */
  async ask(campaign: Campaign, change: CampaignChange | null, by: CallOrigin): Promise<Approval> {
    const { id, name, version } = campaign;
    const act =
      change?.total === undefined ? ({ of: 'close' } as const) : ({ of: 'lower', total: change.total } as const);
    const { total, newTotal, claimed, unissued, slotsClosed } = campaignConsequencesJson(
      await this.consequences.of(campaign, act),
      act,
    );
    return this.approvals.ask(
      {
        action: change === null ? 'campaign.close' : 'campaign.change',
        subject: id,
        campaignId: id,
        neededRole: 'operator',
        order: { version, ...(change === null ? {} : { change }) },
        consequences: { name, total, newTotal, claimed, unissued, slotsClosed },
      },
      by,
    );
  }

  private async execute(id: string, act: () => Promise<CampaignChangeOutcome>): Promise<Execution> {
    let outcome: CampaignChangeOutcome;
    try {
      outcome = await act();
    } finally {
      this.catalogue.forget(id);
    }
    if (outcome.kind === 'gate-not-told') return { kind: 'not-now', problem: notTold(outcome) };
    if (outcome.kind === 'done') return { kind: 'executed', outcome: { version: outcome.campaign.version } };
    if (outcome.kind === 'approval-needed') throw new Error('an approved act has asked for an approval');
    return {
      kind: 'refused',
      code: outcome.kind === 'window-inverted' ? 'precondition-failed' : outcome.kind,
      now: await this.now(id),
    };
  }

  /** What the second operator has to know of what has changed. */
  private async now(id: string): Promise<ApprovalFacts> {
    const view = await this.desk.find(id);
    if (view === null) return {};
    const { total, version } = view.campaign;
    return { version, state: view.state, total, remaining: view.remaining };
  }
}

/** Also where the call had `If-Match: *`: both operators mean what was there then. */
function isVersionOf(order: ApprovalFacts): (version: number) => boolean {
  // mutant: approved-another-version
  return (version) => version === order.version;
}
