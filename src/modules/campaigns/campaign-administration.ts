import { Injectable, Logger } from '@nestjs/common';
import { changedTerms, logChanged } from '../../domain/campaign-log-lines.js';
import { type Campaign } from '../../domain/campaign.js';
import { BY_SERVICE, type CallOrigin } from '../../platform/identity/actor.js';
import { type VersionCondition } from '../../platform/values/version-condition.js';
import { type Assent, NO_ASSENT } from '../../ports/approvals/approvals.js';
import { type CampaignChange } from '../../ports/database/campaign-store.js';
import { Database } from '../../ports/database/database.js';
import { termsOf } from '../../ports/gate/campaign-terms.js';
import { passOf } from '../../ports/gate/gate-pass.js';
import {
  type ChangeTermsOutcome,
  type GatePass,
  GateTimeoutError,
  IssuanceGate,
} from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { TermsAtGate } from '../gate-watch/terms-at-gate.js';

export type CampaignAction = 'pause' | 'resume' | 'close';

export type CampaignChangeOutcome =
  /** The change is stored, and the gate decides by it. */
  | { readonly kind: 'done'; readonly campaign: Campaign }
  | {
      readonly kind:
        'campaign-not-found' | 'precondition-failed' | 'campaign-closed' | 'total-below-claimed' | 'window-inverted';
    }
  /** A second operator has to approve it. Nothing was changed. */
  | { readonly kind: 'approval-needed'; readonly campaign: Campaign }
  | NotTold;

/** The gate has not confirmed the change, and may still decide by the old terms. */
export interface NotTold {
  readonly kind: 'gate-not-told';
  /** The stored campaign, which the gate gets later; null when nothing was stored, as the gate has to agree first. */
  readonly stored: Campaign | null;
  /** `refused`: the gate has not taken the change. `unknown`: it did not answer. `rebuilding`: it is closed. */
  readonly gate: 'refused' | 'unknown' | 'rebuilding';
}

/** The change is allowed, and `update` stores it. */
interface Decision {
  readonly kind: 'change';
  readonly change: CampaignChange;
  /** Why the service has changed it by itself. */
  readonly because?: 'ended';
}

const TARGET_STATE = { pause: 'PAUSED', resume: 'OPEN', close: 'CLOSED' } as const;

/**
 * Changes campaigns. The total at the gate never exceeds the database's: a raise goes to the database first; a lowering
 * asks the gate first, inside the transaction. Every other change goes to the database, then to the gate, and the
 * reconciler repeats what the gate has missed. A change is `done` only when the gate has confirmed it.
 */
@Injectable()
export class CampaignAdministration {
  private readonly logger = new Logger(CampaignAdministration.name);

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    private readonly terms: TermsAtGate,
  ) {}

  /** @throws DatabaseError */
  async change(
    id: string,
    change: CampaignChange,
    hasSeen: VersionCondition,
    by: CallOrigin,
    assent: Assent = NO_ASSENT,
  ): Promise<CampaignChangeOutcome> {
    return this.update(id, 'campaign.change', by, assent, (campaign) => {
      if (!hasSeen(campaign.version)) return { kind: 'precondition-failed' };
      if (campaign.state === 'CLOSED') return { kind: 'campaign-closed' };
      const startsAt = change.startsAt ?? campaign.startsAt;
      const endsAt = change.endsAt === undefined ? campaign.endsAt : change.endsAt;
      if (endsAt !== null && endsAt <= startsAt) return { kind: 'window-inverted' };
      // mutant: lowered-alone
      if (assent.kind === 'needed' && (change.total ?? campaign.total) < campaign.total) {
        return { kind: 'approval-needed', campaign };
      }
      return { kind: 'change', change };
    });
  }

  /**
   * Pause, resume and close can be repeated. Each is `done` only when the gate knows it: after a pause or a close the
   * gate admits no claim.
   * @throws DatabaseError
   */
  async act(
    id: string,
    action: CampaignAction,
    by: CallOrigin,
    assent: Assent = NO_ASSENT,
    hasSeen: VersionCondition = () => true,
  ): Promise<CampaignChangeOutcome> {
    const state = TARGET_STATE[action];
    return this.update(id, `campaign.${action}`, by, assent, (campaign) => {
      if (campaign.state === state) return { kind: 'done', campaign };
      if (campaign.state === 'CLOSED') return { kind: 'campaign-closed' };
      if (!hasSeen(campaign.version)) return { kind: 'precondition-failed' };
      // mutant: closed-alone
      if (assent.kind === 'needed' && action === 'close') return { kind: 'approval-needed', campaign };
      return { kind: 'change', change: { state } };
    });
  }

  /**
   * Closes the campaign if it is open and its window was over at `before`, by the database's clock.
   * @throws DatabaseError
   */
  closeEnded(id: string, before: number): Promise<CampaignChangeOutcome> {
    return this.update(id, 'campaign.close', BY_SERVICE, NO_ASSENT, ({ state, endsAt }) => {
      // Another process has closed it, or an operator has moved the end.
      if (state !== 'OPEN' || endsAt === null || endsAt > before) return { kind: 'precondition-failed' };
      return { kind: 'change', change: { state: 'CLOSED' }, because: 'ended' };
    });
  }

  private async update(
    id: string,
    action: string,
    by: CallOrigin,
    assent: Assent,
    decide: (campaign: Campaign) => Decision | CampaignChangeOutcome,
  ): Promise<CampaignChangeOutcome> {
    let pass: GatePass | null = null;
    let before: Campaign | undefined;
    let agreed = false;
    const outcome = await this.database.transaction(async (unit): Promise<CampaignChangeOutcome> => {
      pass = passOf(await unit.gate.lockShared());
      const [campaign] = await unit.campaigns.lock([id]);
      if (campaign === undefined) return { kind: 'campaign-not-found' };
      const decision = decide(campaign);
      if (decision.kind !== 'change') return decision;
      const { change, because } = decision;
      const changed = { ...campaign, ...change, version: campaign.version + 1 };
      if (changed.total < campaign.total) {
        const refusal = await this.lowerAtGate(changed, pass);
        if (refusal !== null) return refusal;
        agreed = true;
      }
      const stored = await unit.campaigns.update(id, change, changed.version);
      const reason = because === undefined ? {} : { because };
      const detail = { ...changedTerms(campaign, stored), version: stored.version, ...reason };
      await unit.audit.record({ action, subject: id, campaignId: id, by, detail });
      if (assent.kind === 'given') await assent.note(unit);
      before = campaign;
      return { kind: 'done', campaign: stored };
    });
    if (outcome.kind !== 'done') return outcome;
    if (before !== undefined) logChanged(before, outcome.campaign, by);
    return agreed ? outcome : this.bringToGate(outcome.campaign, pass);
  }

  /**
   * The gate goes first: it knows how many claims it has admitted, and from now on admits none beyond the new total. If
   * the transaction fails afterwards, the gate's version is ahead, and the reconciler brings the row's terms back.
   */
  private async lowerAtGate(changed: Campaign, pass: GatePass | null): Promise<CampaignChangeOutcome | null> {
    if (changed.total < changed.issued) return { kind: 'total-below-claimed' };
    if (pass === null) return { kind: 'gate-not-told', stored: null, gate: 'rebuilding' };
    let answer: ChangeTermsOutcome;
    try {
      answer = await this.gate.changeTerms(pass, termsOf(changed));
    } catch (error) {
      return { kind: 'gate-not-told', stored: null, gate: gateStateAfter(error) };
    }
    if (answer.kind === 'changed') return null;
    if (answer.kind === 'total-below-claimed') return answer;
    // The gate's version is ahead. The reconciler lifts the row's version above it; then the operator can try again.
    if (answer.kind === 'older') return { kind: 'gate-not-told', stored: null, gate: 'refused' };
    this.watch.reportCampaignFence(pass, answer);
    return { kind: 'gate-not-told', stored: null, gate: answer.reason === 'meta-missing' ? 'refused' : 'rebuilding' };
  }

  /**
   * Brings stored terms to the gate, also those of an earlier call that ended in `gate-not-told`. While a rebuild is
   * under way the new gate will open with them, but the old gate may still admit claims until its keys are gone.
   */
  private async bringToGate(campaign: Campaign, pass: GatePass | null): Promise<CampaignChangeOutcome> {
    if (pass === null) return { kind: 'gate-not-told', stored: campaign, gate: 'rebuilding' };
    try {
      const outcome = await this.terms.bring(campaign, pass);
      if (outcome.kind === 'agreed') return { kind: 'done', campaign: outcome.campaign };
      const closed = outcome.kind === 'fenced' || outcome.kind === 'epoch-over';
      return { kind: 'gate-not-told', stored: campaign, gate: closed ? 'rebuilding' : 'refused' };
    } catch (error) {
      this.logger.warn(`campaign ${campaign.id}: the gate has not heard of a change yet: ${(error as Error).message}`);
      return { kind: 'gate-not-told', stored: campaign, gate: gateStateAfter(error) };
    }
  }
}

/** Whether the gate may have taken the change of a call that failed with this error. */
function gateStateAfter(error: unknown): 'unknown' | 'refused' {
  return error instanceof GateTimeoutError ? 'unknown' : 'refused';
}
