import { Injectable, Logger } from '@nestjs/common';
import { logChanged, logCreated } from '../../domain/campaign-log.js';
import { type Campaign } from '../../domain/campaign.js';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy, ulidFactory } from '../../platform/flow/entropy.js';
import { digestOf } from '../../platform/values/digest.js';
import { type VersionCondition } from '../../platform/values/version-condition.js';
import { type CampaignCreation, type CampaignTerms } from '../../ports/database/campaign-creation-store.js';
import { type CampaignChange } from '../../ports/database/campaign-store.js';
import { inCaseOfCollision } from '../../ports/database/collision.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database, type UnitOfWork } from '../../ports/database/database.js';
import { termsOf } from '../../ports/gate/campaign-terms.js';
import { passOf } from '../../ports/gate/gate-pass.js';
import {
  type ChangeTermsOutcome,
  type GatePass,
  GateTimeoutError,
  IssuanceGate,
} from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../watch/epoch-watch.js';
import { TermsAtGate } from '../watch/terms-at-gate.js';

export type NewCampaign = Pick<Campaign, 'name' | 'total' | 'endsAt'> & {
  /** null: from now on, by the gate's clock. */
  startsAt: number | null;
};

export type CampaignCreationOutcome =
  /** `at`: when it was made, ms by the gate's clock. `replayed`: the answer to an earlier call with the same key. */
  | { readonly kind: 'created'; readonly campaign: Campaign; readonly at: number; readonly replayed: boolean }
  | { readonly kind: 'window-inverted' | 'window-past' | 'idempotency-key-reused' };

export type CampaignAction = 'pause' | 'resume' | 'close';

export type CampaignChangeOutcome =
  /** Stored, and the gate decides by it. */
  | { readonly kind: 'done'; readonly campaign: Campaign }
  | {
      readonly kind:
        'campaign-not-found' | 'precondition-failed' | 'campaign-closed' | 'total-below-claimed' | 'window-inverted';
    }
  | NotTold;

/** The gate has not confirmed the change, and may go on deciding by the terms from before. */
export interface NotTold {
  readonly kind: 'gate-not-told';
  /** As it is stored, and as the gate will hear of it; null where nothing was stored, as the gate has to agree first. */
  readonly stored: Campaign | null;
  /** `refused`: it has not taken the change. `unknown`: it did not answer, and may have. `rebuilding`: it is closed. */
  readonly gate: 'refused' | 'unknown' | 'rebuilding';
}

/** What is to be stored. */
interface Decision {
  readonly kind: 'change';
  readonly change: CampaignChange;
}

const TARGET_STATE = { pause: 'PAUSED', resume: 'OPEN', close: 'CLOSED' } as const;

/**
 * Makes and changes campaigns. The total at the gate never exceeds the database's: raising goes to the database first,
 * lowering is agreed with the gate inside the transaction. Everything else is written to the database, then to the
 * gate; the reconciler repeats what did not arrive. A change is done only when the gate has confirmed it.
 */
@Injectable()
export class CampaignAdministration {
  private readonly logger = new Logger(CampaignAdministration.name);

  private readonly nextId: () => string;

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    private readonly terms: TermsAtGate,
    private readonly clock: Clock,
    entropy: Entropy,
  ) {
    this.nextId = ulidFactory(clock, entropy);
  }

  /**
   * Stored when it returns, and open at the gate unless that could not be reached; while a rebuild is under way, its
   * opening transaction opens the campaign instead. It does not fail for the gate's sake: the campaign is there, and who
   * was told otherwise would make another one.
   *
   * The same `idempotencyKey` makes one campaign, at whichever process and however often it comes: the unique key of
   * `campaign_creations` decides between calls at once. A later call gets the campaign as it was made, also when its
   * window has passed meanwhile.
   * @throws DatabaseError
   */
  async create(
    input: NewCampaign,
    requestId: string | null,
    idempotencyKey: string | null = null,
  ): Promise<CampaignCreationOutcome> {
    const at = await this.gateTime();
    const { name, total, startsAt, endsAt } = input;
    const campaign = { id: this.nextId(), name, total, startsAt: startsAt ?? at, endsAt };
    const key =
      idempotencyKey === null
        ? null
        : {
            keyDigest: digestOf(idempotencyKey),
            requestDigest: digestOf(JSON.stringify([name, total, startsAt, endsAt])),
          };
    return inCaseOfCollision('duplicate', () =>
      this.make(requestId, async (unit) => {
        const earlier = key === null ? null : await unit.creations.find(key.keyDigest);
        if (earlier !== null) {
          if (earlier.requestDigest !== key?.requestDigest) return { kind: 'idempotency-key-reused' };
          return { kind: 'created', campaign: asMade(earlier), at: earlier.at, replayed: true };
        }
        if (endsAt !== null && endsAt <= campaign.startsAt) {
          return { kind: startsAt === null ? 'window-past' : 'window-inverted' };
        }
        if (endsAt !== null && endsAt <= at) return { kind: 'window-past' };
        const stored = await insert(unit, campaign, requestId);
        if (key !== null) await unit.creations.insert({ ...key, campaign, at });
        return { kind: 'created', campaign: stored, at, replayed: false };
      }),
    );
  }

  /** Makes the campaign `id` unless there is one. Two processes may try at once. */
  async createIfMissing(id: string, name: string, total: number): Promise<void> {
    const known = await this.database.read((unit) => unit.campaigns.find(id));
    if (known !== null) return;
    const at = await this.gateTime();
    try {
      await this.make(null, async (unit) => {
        const campaign = await insert(unit, { id, name, total, startsAt: at, endsAt: null }, null);
        return { kind: 'created', campaign, at, replayed: false };
      });
    } catch (error) {
      if (!(error instanceof DatabaseError && error.kind === 'duplicate')) throw error;
    }
  }

  /** @throws DatabaseError */
  async change(
    id: string,
    change: CampaignChange,
    hasSeen: VersionCondition,
    requestId: string | null,
  ): Promise<CampaignChangeOutcome> {
    return this.update(id, 'campaign.change', requestId, (campaign) => {
      if (!hasSeen(campaign.version)) return { kind: 'precondition-failed' };
      if (campaign.state === 'CLOSED') return { kind: 'campaign-closed' };
      const startsAt = change.startsAt ?? campaign.startsAt;
      const endsAt = change.endsAt === undefined ? campaign.endsAt : change.endsAt;
      if (endsAt !== null && endsAt <= startsAt) return { kind: 'window-inverted' };
      return { kind: 'change', change };
    });
  }

  /**
   * Pause, resume and close say yes again when it already is so, but never before the gate knows it: after a pause or a
   * close is done, nobody is admitted.
   * @throws DatabaseError
   */
  async act(id: string, action: CampaignAction, requestId: string | null): Promise<CampaignChangeOutcome> {
    const state = TARGET_STATE[action];
    return this.update(id, `campaign.${action}`, requestId, (campaign) => {
      if (campaign.state === state) return { kind: 'done', campaign };
      return campaign.state === 'CLOSED' ? { kind: 'campaign-closed' } : { kind: 'change', change: { state } };
    });
  }

  /** The clock that will decide the window, or our own while the gate is away. */
  private gateTime(): Promise<number> {
    return this.gate.now().catch(() => this.clock.wall());
  }

  /** Commits what `work` makes, then opens it at the gate. */
  private async make(
    requestId: string | null,
    work: (unit: UnitOfWork) => Promise<CampaignCreationOutcome>,
  ): Promise<CampaignCreationOutcome> {
    const { outcome, pass } = await this.database.transaction(async (unit) => {
      const pass = passOf(await unit.gate.lockShared());
      return { outcome: await work(unit), pass };
    });
    if (outcome.kind === 'created' && !outcome.replayed) logCreated(outcome.campaign, requestId);
    // The row is committed before the gate knows the campaign: a claim can never be admitted for a row that is not there.
    if (outcome.kind === 'created' && !outcome.replayed && pass !== null) await this.open(outcome.campaign, pass);
    return outcome;
  }

  /**
   * Under a share of the gate row, so that no rebuild can begin meanwhile. Opened after its epoch was dropped, the campaign
   * would be the one that still admits claims under it: an api that is cut off from the database would promise them, and
   * they would lie behind the rebuild's cut. And never under another epoch than that of the insert: a later one had the
   * campaign from its opening transaction, and what it has lost since is not for us to make anew.
   */
  private async open(campaign: Campaign, { epoch }: GatePass): Promise<void> {
    try {
      await this.database.transaction(async (unit) => {
        const pass = passOf(await unit.gate.lockShared());
        if (pass?.epoch === epoch) await this.openAtGate(pass, campaign);
      });
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      this.logger.warn(`campaign ${campaign.id} is stored and perhaps not open yet: ${error.message}`);
    }
  }

  private async update(
    id: string,
    action: string,
    requestId: string | null,
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
      const { change } = decision;
      const changed = { ...campaign, ...change, version: campaign.version + 1 };
      if (changed.total < campaign.total) {
        const refusal = await this.lowerAtGate(changed, pass);
        if (refusal !== null) return refusal;
        agreed = true;
      }
      const stored = await unit.campaigns.update(id, change, changed.version);
      await unit.audit.record({ action, subject: id, requestId, detail: { ...change, version: changed.version } });
      before = campaign;
      return { kind: 'done', campaign: stored };
    });
    if (outcome.kind !== 'done') return outcome;
    if (before !== undefined) logChanged(before, outcome.campaign, requestId);
    return agreed ? outcome : this.bringToGate(outcome.campaign, pass);
  }

  /**
   * The gate goes first: from here on it admits nobody beyond the new total, and it knows better than the database how
   * many it has admitted already. When the transaction fails afterwards, the gate's version is ahead, and the
   * reconciler brings the row's terms back.
   */
  private async lowerAtGate(changed: Campaign, pass: GatePass | null): Promise<CampaignChangeOutcome | null> {
    if (changed.total < changed.issued) return { kind: 'total-below-claimed' };
    if (pass === null) return { kind: 'gate-not-told', stored: null, gate: 'rebuilding' };
    let answer: ChangeTermsOutcome;
    try {
      answer = await this.gate.changeTerms(pass, termsOf(changed));
    } catch (error) {
      return { kind: 'gate-not-told', stored: null, gate: gateAfter(error) };
    }
    if (answer.kind === 'changed') return null;
    if (answer.kind === 'total-below-claimed') return answer;
    // The gate is ahead of the row: the reconciler lifts the row above it, then this can be tried again.
    if (answer.kind === 'older') return { kind: 'gate-not-told', stored: null, gate: 'refused' };
    this.watch.reportCampaignFence(pass, answer);
    return { kind: 'gate-not-told', stored: null, gate: answer.reason === 'meta-missing' ? 'refused' : 'rebuilding' };
  }

  /**
   * What is stored already, also by an earlier call that was answered `gate-not-told`. While a rebuild is under way the new gate
   * will open with it, but the old one may still admit somebody before its keys are gone.
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
      return { kind: 'gate-not-told', stored: campaign, gate: gateAfter(error) };
    }
  }

  /** A failure loses nothing: the campaign is stored, and a rebuild comes back to it. */
  private async openAtGate(pass: GatePass, campaign: Campaign): Promise<void> {
    try {
      const answer = await this.gate.openCampaign(pass, termsOf(campaign));
      if (answer.kind === 'fenced') this.watch.reportCampaignFence(pass, answer);
    } catch (error) {
      this.logger.warn(`campaign ${campaign.id}: the gate has not heard of it yet: ${(error as Error).message}`);
    }
  }
}

/** The row and its line in the audit. */
async function insert(unit: UnitOfWork, campaign: CampaignTerms, requestId: string | null): Promise<Campaign> {
  const { id, name, total, startsAt, endsAt } = campaign;
  const stored = await unit.campaigns.insert({ ...campaign, state: 'OPEN' });
  await unit.audit.record({
    action: 'campaign.create',
    subject: id,
    requestId,
    detail: { name, total, startsAt, endsAt },
  });
  return stored;
}

/** Whether a call that failed so may have reached the gate. */
function gateAfter(error: unknown): 'unknown' | 'refused' {
  return error instanceof GateTimeoutError ? 'unknown' : 'refused';
}

/** A campaign before anything happened to it. */
function asMade({ campaign, at }: CampaignCreation): Campaign {
  return {
    ...campaign,
    issued: 0,
    state: 'OPEN',
    openedAt: null,
    lastClaimedAt: null,
    soldOutAt: null,
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
}
