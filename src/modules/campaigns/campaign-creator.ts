import { Injectable, Logger } from '@nestjs/common';
import { logCreated, logDraft, logPublished } from '../../domain/campaign-log-lines.js';
import { asPublished, type Campaign, type EntryTerms, NO_ENTRY } from '../../domain/campaign.js';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy, ulidFactory } from '../../platform/flow/entropy.js';
import { BY_SERVICE, type CallOrigin } from '../../platform/identity/actor.js';
import { digestOf } from '../../platform/values/digest.js';
import { type VersionCondition } from '../../platform/values/version-condition.js';
import { type CampaignCreation, type CampaignTerms } from '../../ports/database/campaign-creation-store.js';
import { inCaseOfCollision } from '../../ports/database/collision.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database, type UnitOfWork } from '../../ports/database/database.js';
import { termsOf } from '../../ports/gate/campaign-terms.js';
import { passOf } from '../../ports/gate/gate-pass.js';
import { type GatePass, IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';

export type NewCampaign = Pick<Campaign, 'name' | 'total' | 'endsAt'> & {
  /** null: from now on, by the gate's clock. */
  startsAt: number | null;
  /** undefined: it asks for no entry. */
  entry?: EntryTerms;
  /** Is it kept from everyone but operators until it is published? */
  isDraft?: boolean;
};

export type CampaignCreationOutcome =
  CampaignMade | { readonly kind: 'window-inverted' | 'window-past' | 'idempotency-key-reused' };

export type CampaignPublicationOutcome =
  CampaignMade | { readonly kind: 'campaign-not-found' | 'precondition-failed' | 'campaign-ended' };

interface CampaignMade {
  readonly kind: 'created';
  /** Of a draft: as it would be if it were published without another change. */
  readonly campaign: Campaign;
  /** When it was made, ms by the gate's clock. */
  readonly at: number;
  /** An earlier call has made it: one with the same key, or one that has published it. */
  readonly replayed: boolean;
}

/** Makes campaigns: stores the row first, then opens the campaign at the gate. */
@Injectable()
export class CampaignCreator {
  private readonly logger = new Logger(CampaignCreator.name);
  private readonly nextId: () => string;

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    private readonly clock: Clock,
    entropy: Entropy,
  ) {
    this.nextId = ulidFactory(clock, entropy);
  }

  /**
   * When this returns the campaign is stored, and it is open at the gate unless the gate could not be reached. While a
   * rebuild is under way, its opening transaction opens the campaign instead. A gate that is away is no failure: the
   * campaign exists, and an operator who got an error would make another one.
   *
   * All calls with the same `idempotencyKey`, at any process, make one campaign: the unique key of `campaign_creations`
   * decides between concurrent calls. A later call gets the campaign as it was made, even if its window has passed by
   * then.
   * @throws DatabaseError
   */
  async create(
    input: NewCampaign,
    by: CallOrigin,
    idempotencyKey: string | null = null,
  ): Promise<CampaignCreationOutcome> {
    const at = await this.gateTime();
    const { name, total, startsAt, endsAt, entry, isDraft = false } = input;
    const campaign = { id: this.nextId(), name, total, startsAt: startsAt ?? at, endsAt, ...entry };
    const key =
      idempotencyKey === null
        ? null
        : {
            keyDigest: digestOf(idempotencyKey),
            requestDigest: digestOf(JSON.stringify(requestOf(input))),
          };
    const work = async (unit: UnitOfWork): Promise<CampaignCreationOutcome> => {
      const earlier = key === null ? null : await unit.creations.find(key.keyDigest);
      if (earlier !== null) {
        if (earlier.requestDigest !== key?.requestDigest) return { kind: 'idempotency-key-reused' };
        return { kind: 'created', campaign: asMade(earlier), at: earlier.at, replayed: true };
      }
      if (endsAt !== null && endsAt <= campaign.startsAt) {
        return { kind: startsAt === null ? 'window-past' : 'window-inverted' };
      }
      if (endsAt !== null && endsAt <= at) return { kind: 'window-past' };
      const stored = await (isDraft ? insertDraft : insert)(unit, campaign, by);
      if (key !== null) await unit.creations.insert({ ...key, campaign, at });
      return { kind: 'created', campaign: stored, at, replayed: false };
    };
    return inCaseOfCollision('duplicate', () => (isDraft ? this.keepBack(by, work) : this.make(by, work)));
  }

  /** Makes the campaign `id` unless it exists. Two processes may try at once. */
  async createIfMissing(id: string, name: string, total: number): Promise<void> {
    const known = await this.database.read((unit) => unit.campaigns.find(id));
    if (known !== null) return;
    const at = await this.gateTime();
    try {
      await this.make(BY_SERVICE, async (unit) => {
        const campaign = await insert(unit, { id, name, total, startsAt: at, endsAt: null }, BY_SERVICE);
        return { kind: 'created', campaign, at, replayed: false };
      });
    } catch (error) {
      if (!(error instanceof DatabaseError && error.kind === 'duplicate')) throw error;
    }
  }

  /**
   * Makes the campaign of a draft, and opens it at the gate as {@link create} does. It begins now where its start has
   * passed: until now no claim could be made. A campaign that was published before is answered as it is.
   * @throws DatabaseError
   */
  async publish(id: string, hasSeen: VersionCondition, by: CallOrigin): Promise<CampaignPublicationOutcome> {
    const at = await this.gateTime();
    const work = async (unit: UnitOfWork): Promise<CampaignPublicationOutcome> => {
      const draft = await unit.drafts.lock(id);
      if (draft === null) {
        const campaign = await unit.campaigns.find(id);
        return campaign === null ? { kind: 'campaign-not-found' } : { kind: 'created', campaign, at, replayed: true };
      }
      if (!hasSeen(draft.version)) return { kind: 'precondition-failed' };
      const { version, createdAt: _createdAt, updatedAt: _updatedAt, ...terms } = draft;
      const startsAt = Math.max(terms.startsAt, at);
      if (terms.endsAt !== null && terms.endsAt <= startsAt) return { kind: 'campaign-ended' };
      const published = { ...terms, startsAt, version: version + 1 };
      const campaign = await insert(unit, published, by, 'campaign.publish');
      await unit.drafts.delete(id);
      return { kind: 'created', campaign, at, replayed: false };
    };
    return this.make(by, work, logPublished);
  }

  /** The gate's clock, which decides the window; the clock of this process while the gate is away. */
  private gateTime(): Promise<number> {
    return this.gate.now().catch(() => this.clock.wall());
  }

  /** Commits the campaign that `work` makes, then opens it at the gate. */
  private async make<Refused extends { readonly kind: string }>(
    by: CallOrigin,
    work: (unit: UnitOfWork) => Promise<CampaignMade | Refused>,
    log = logCreated,
  ): Promise<CampaignMade | Refused> {
    const { outcome, pass } = await this.database.transaction(async (unit) => {
      const pass = passOf(await unit.gate.lockShared());
      return { outcome: await work(unit), pass };
    });
    if (!isMade(outcome) || outcome.replayed) return outcome;
    log(outcome.campaign, by);
    // The row is committed before the gate knows the campaign, so the gate never admits a claim for a missing row.
    if (pass !== null) await this.open(outcome.campaign, pass);
    return outcome;
  }

  /** Commits the draft that `work` makes. The gate never hears of it. */
  private async keepBack<Refused extends { readonly kind: string }>(
    by: CallOrigin,
    work: (unit: UnitOfWork) => Promise<CampaignMade | Refused>,
  ): Promise<CampaignMade | Refused> {
    const outcome = await this.database.transaction(work);
    if (isMade(outcome) && !outcome.replayed) logDraft('drafted', outcome.campaign, by);
    return outcome;
  }

  /**
   * Holds a share of the gate row, so that no rebuild can begin during the call. Opened after its epoch was dropped,
   * this campaign would still admit claims under that epoch. An api that is cut off from the database would promise
   * them, and they would lie behind the rebuild's cut.
   *
   * Opens only under the epoch of the insert. A later epoch got the campaign in its opening transaction; if that gate
   * has lost it since, a new meta would hide the loss.
   */
  private async open(campaign: Campaign, { epoch }: GatePass): Promise<void> {
    try {
      await this.database.transaction(async (unit) => {
        // mutant: unshared-opening
        const pass = passOf(await unit.gate.lockShared());
        if (pass?.epoch === epoch) await this.openAtGate(pass, campaign);
      });
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      this.logger.warn(`campaign ${campaign.id} is stored and perhaps not open yet: ${error.message}`);
    }
  }

  /** Best effort: the campaign is stored, and the process that finds it missing at the gate opens it. */
  private async openAtGate(pass: GatePass, campaign: Campaign): Promise<void> {
    try {
      const answer = await this.gate.openCampaign(pass, termsOf(campaign));
      if (answer.kind === 'fenced') this.watch.reportCampaignFence(pass, answer);
    } catch (error) {
      this.logger.warn(`campaign ${campaign.id}: the gate has not heard of it yet: ${(error as Error).message}`);
    }
  }
}

function isMade(outcome: { readonly kind: string }): outcome is CampaignMade {
  return outcome.kind === 'created';
}

/** What a key stands for. Without entry terms it is what the version before has stored for the same request. */
function requestOf(input: NewCampaign): readonly unknown[] {
  const { name, total, startsAt, endsAt, entry = NO_ENTRY, isDraft = false } = input;
  const { requireEntry, challenge, challengeCost } = entry;
  const asksNothing = !requireEntry && challenge === NO_ENTRY.challenge && challengeCost === NO_ENTRY.challengeCost;
  const asked = asksNothing ? [] : [requireEntry, challenge, challengeCost];
  return [name, total, startsAt, endsAt, ...asked, ...(isDraft ? ['DRAFT'] : [])];
}

/** Inserts the row and its line in the audit. */
async function insert(
  unit: UnitOfWork,
  campaign: CampaignTerms & { readonly version?: number },
  by: CallOrigin,
  action = 'campaign.create',
): Promise<Campaign> {
  const { id, name, total, startsAt, endsAt } = campaign;
  const stored = await unit.campaigns.insert({ ...campaign, state: 'OPEN' });
  const { requireEntry, challenge, challengeCost } = stored;
  await unit.audit.record({
    action,
    subject: id,
    campaignId: id,
    by,
    detail: { name, total, startsAt, endsAt, requireEntry, challenge, challengeCost },
  });
  return stored;
}

/** The same for a draft. */
async function insertDraft(unit: UnitOfWork, campaign: CampaignTerms, by: CallOrigin): Promise<Campaign> {
  const draft = await unit.drafts.insert({ ...NO_ENTRY, ...campaign });
  const { id, version: _version, createdAt: _createdAt, updatedAt: _updatedAt, ...detail } = draft;
  await unit.audit.record({ action: 'draft.create', subject: id, campaignId: id, by, detail });
  return asPublished(draft);
}

/** The campaign as it was right after its creation. */
function asMade({ campaign, at }: CampaignCreation): Campaign {
  return asPublished({ ...NO_ENTRY, ...campaign, version: 1, createdAt: at, updatedAt: at });
}
