import { Injectable, Logger } from '@nestjs/common';
import { logCreated } from '../../domain/campaign-log-lines.js';
import { type Campaign, type EntryTerms, NO_ENTRY } from '../../domain/campaign.js';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy, ulidFactory } from '../../platform/flow/entropy.js';
import { BY_SERVICE, type CallOrigin } from '../../platform/identity/actor.js';
import { digestOf } from '../../platform/values/digest.js';
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
};

export type CampaignCreationOutcome =
  /** `at`: when it was made, ms by the gate's clock. `replayed`: an earlier call with the same key has made it. */
  | { readonly kind: 'created'; readonly campaign: Campaign; readonly at: number; readonly replayed: boolean }
  | { readonly kind: 'window-inverted' | 'window-past' | 'idempotency-key-reused' };

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
    const { name, total, startsAt, endsAt, entry } = input;
    const campaign = { id: this.nextId(), name, total, startsAt: startsAt ?? at, endsAt, ...entry };
    const key =
      idempotencyKey === null
        ? null
        : {
            keyDigest: digestOf(idempotencyKey),
            requestDigest: digestOf(JSON.stringify(requestOf(input))),
          };
    return inCaseOfCollision('duplicate', () =>
      this.make(by, async (unit) => {
        const earlier = key === null ? null : await unit.creations.find(key.keyDigest);
        if (earlier !== null) {
          if (earlier.requestDigest !== key?.requestDigest) return { kind: 'idempotency-key-reused' };
          return { kind: 'created', campaign: asMade(earlier), at: earlier.at, replayed: true };
        }
        if (endsAt !== null && endsAt <= campaign.startsAt) {
          return { kind: startsAt === null ? 'window-past' : 'window-inverted' };
        }
        if (endsAt !== null && endsAt <= at) return { kind: 'window-past' };
        const stored = await insert(unit, campaign, by);
        if (key !== null) await unit.creations.insert({ ...key, campaign, at });
        return { kind: 'created', campaign: stored, at, replayed: false };
      }),
    );
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

  /** The gate's clock, which decides the window; the clock of this process while the gate is away. */
  private gateTime(): Promise<number> {
    return this.gate.now().catch(() => this.clock.wall());
  }

  /** Commits the campaign that `work` makes, then opens it at the gate. */
  private async make(
    by: CallOrigin,
    work: (unit: UnitOfWork) => Promise<CampaignCreationOutcome>,
  ): Promise<CampaignCreationOutcome> {
    const { outcome, pass } = await this.database.transaction(async (unit) => {
      const pass = passOf(await unit.gate.lockShared());
      return { outcome: await work(unit), pass };
    });
    if (outcome.kind === 'created' && !outcome.replayed) logCreated(outcome.campaign, by);
    // The row is committed before the gate knows the campaign, so the gate never admits a claim for a missing row.
    if (outcome.kind === 'created' && !outcome.replayed && pass !== null) await this.open(outcome.campaign, pass);
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

/** What a key stands for. Without entry terms it is what the version before has stored for the same request. */
function requestOf({ name, total, startsAt, endsAt, entry = NO_ENTRY }: NewCampaign): readonly unknown[] {
  const { requireEntry, challenge, challengeCost } = entry;
  const asksNothing = !requireEntry && challenge === NO_ENTRY.challenge && challengeCost === NO_ENTRY.challengeCost;
  return [name, total, startsAt, endsAt, ...(asksNothing ? [] : [requireEntry, challenge, challengeCost])];
}

/** Inserts the row and its line in the audit. */
async function insert(unit: UnitOfWork, campaign: CampaignTerms, by: CallOrigin): Promise<Campaign> {
  const { id, name, total, startsAt, endsAt } = campaign;
  const stored = await unit.campaigns.insert({ ...campaign, state: 'OPEN' });
  const { requireEntry, challenge, challengeCost } = stored;
  await unit.audit.record({
    action: 'campaign.create',
    subject: id,
    campaignId: id,
    by,
    detail: { name, total, startsAt, endsAt, requireEntry, challenge, challengeCost },
  });
  return stored;
}

/** The campaign as it was right after its creation. */
function asMade({ campaign, at }: CampaignCreation): Campaign {
  return {
    ...NO_ENTRY,
    ...campaign,
    issued: 0,
    state: 'OPEN',
    openedAt: null,
    lastClaimedAt: null,
    soldOutAt: null,
    leftGateAt: null,
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
}
