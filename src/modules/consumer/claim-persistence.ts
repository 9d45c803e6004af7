import { Injectable } from '@nestjs/common';
import { type Campaign } from '../../domain/campaign.js';
import { type ClaimEvent, holderKey } from '../../domain/claim.js';
import { isLaterClaim } from '../../domain/rival-claims.js';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy, ulidFactory } from '../../platform/flow/entropy.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database, type UnitOfWork } from '../../ports/database/database.js';
import { type FailedEventStatus, type QuarantinedRecord } from '../../ports/database/failed-event-store.js';
import { passOf } from '../../ports/gate/gate-pass.js';
import { type GatePass } from '../../ports/gate/issuance-gate.js';
import { type Authorship, ClaimLog, type LogRecord } from '../../ports/log/claim-log.js';
import { tallyByCampaign } from './campaign-tally.js';
import { failureClassOf } from './failure-class.js';
import { type Installation, OwnInstallation } from './own-installation.js';
import { staleIn } from './stale-in-chunk.js';

/** A message of the log that holds a claim. */
export interface ReadableRecord {
  readonly record: Pick<LogRecord, 'partition' | 'offset'>;
  readonly event: ClaimEvent;
  /** Nothing proves who has written it. */
  readonly unsigned?: boolean;
}

/**
 * What became of a claim:
 * - `duplicate`: its user has a coupon, from this claim or another one. A failed event of it becomes RESOLVED, since
 *   nothing is left to do. (DISCARDED would be wrong: it would release a slot that the coupon fills.)
 * - `stale`: it lies behind the end of its own epoch and was never answered 202.
 * - `discarded`: an operator has discarded it, and that is final.
 * - `bad-signature`: it is unsigned, and this installation accepts no such event any more; the caller quarantines it.
 * - `unknown-campaign`, `over-total`: it cannot become a coupon, and the caller quarantines it.
 */
export type Verdict =
  'issued' | 'duplicate' | 'stale' | 'discarded' | 'bad-signature' | 'unknown-campaign' | 'over-total';

/** The result of one committed transaction. */
export interface PersistedChunk {
  /** The pass of the gate row that was locked; null while a rebuild is under way. */
  readonly pass: GatePass | null;
  /** One for each record, in their order. */
  readonly verdicts: readonly Verdict[];
  /** Campaigns whose last coupon this transaction issued. */
  readonly soldOut: readonly Campaign[];
}

/** `acceptsCoupons` throws it inside its own transaction, which rolls the trial back. */
class TrialRolledBack extends Error {
  constructor(readonly verdict: Verdict | undefined) {
    super('a trial that was never meant to be committed');
  }
}

/** Turns a chunk of claims into coupons, in one transaction. */
@Injectable()
export class ClaimPersistence {
  readonly installation: OwnInstallation;
  private readonly nextTrialId: () => string;
  /** Whether every claim of the last chunk was new. After one duplicate more follow, as when offsets were set back. */
  private allNew = true;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    entropy: Entropy,
    private readonly log: ClaimLog,
  ) {
    this.installation = new OwnInstallation(database);
    this.nextTrialId = ulidFactory(clock, entropy);
  }

  /** As the log says. @throws DatabaseError */
  authorsOf(records: readonly LogRecord[]): Promise<readonly Authorship[]> {
    return this.log.authorsOf(records);
  }

  /**
   * Persists the whole chunk or nothing of it. To repeat it is safe, because a claim whose user has a coupon changes
   * nothing. So it does not matter whether an error came before or after the commit.
   *
   * @throws DatabaseError
   */
  async persist(chunk: readonly ReadableRecord[]): Promise<PersistedChunk> {
    const { codeOf } = await this.installation.read();
    const persisted = await this.database.transaction((unit) => this.settle(unit, chunk, codeOf));
    this.allNew = persisted.verdicts.every((verdict) => verdict === 'issued');
    return persisted;
  }

  /**
   * Does the database accept any coupon of this campaign? A claim that must fit goes the whole way of `persist` and is
   * rolled back. This tells a row that is refused from a server that refuses everything.
   */
  async acceptsCoupons(campaignId: string): Promise<boolean> {
    const claimId = this.nextTrialId();
    // No epoch is above this one, so the trial is never stale.
    const epoch = Number.MAX_SAFE_INTEGER;
    const userId = `trial-${claimId}`;
    const claimedAt = this.clock.wall();
    const event = { claimId, campaignId, userId, sequence: 1, claimedAt, idempotencyDigest: null, epoch };
    try {
      const { codeOf } = await this.installation.read();
      await this.database.transaction(async (unit) => {
        const { verdicts } = await this.settle(unit, [{ record: { partition: 0, offset: 0 }, event }], codeOf);
        throw new TrialRolledBack(verdicts[0]);
      });
    } catch (error) {
      // mutant: error-as-poison
      if (error instanceof TrialRolledBack) return error.verdict === 'issued';
      if (failureClassOf(error) === 'defect') throw error;
    }
    return false;
  }

  /**
   * Sets records aside in `failed_events`, in a transaction of its own.
   *
   * @returns the pass under which their pending entries can be cleared.
   * @throws DatabaseError
   */
  quarantine(
    records: readonly QuarantinedRecord[],
    options: { withoutPayload: boolean } = { withoutPayload: false },
  ): Promise<GatePass | null> {
    return this.database.transaction(async (unit) => {
      const gate = await unit.gate.lockShared();
      // Judge again: a rebuild may have taken its cut since the claim was read, and then it has forgotten the claim.
      const claims = records.flatMap(({ claim }) => claim ?? []);
      const isStale = await staleIn(unit, this.log, claims);
      const counted = records.filter(({ record, claim }) => claim === null || !isStale(claim, record));
      await unit.failedEvents.quarantine(counted, options);
      return passOf(gate);
    });
  }

  private async settle(unit: UnitOfWork, chunk: readonly ReadableRecord[], codeOf: CodeOf): Promise<PersistedChunk> {
    // The gate row first: the cut of a rebuild is stored either before this transaction or after its commit.
    const gate = await unit.gate.lockShared();
    const events = chunk.map(({ event }) => event);
    // Only a rebuild stores a cut, and it needs the gate row. So read the cuts before the campaigns' rows are locked.
    const isStale = await staleIn(unit, this.log, events);
    const now = await unit.now();
    const ids = [...new Set(events.map(({ campaignId }) => campaignId))].sort();
    const campaigns = new Map((await unit.campaigns.lock(ids)).map((campaign) => [campaign.id, campaign]));
    const statuses = (await unit.failedEvents.existOf(ids))
      ? await unit.failedEvents.statusesOf(events.map(({ claimId }) => claimId))
      : NO_STATUSES;
    const facts: ChunkFacts = {
      now,
      codeOf,
      // Asked of the locked row: consumers and rebuilds have to judge alike.
      signaturesDemanded: gate.signedSince !== null,
      isDiscarded: ({ claimId }) => statuses.get(claimId) === 'DISCARDED',
      isStale: ({ record, event }) => isStale(event, record),
      campaigns,
    };
    const { verdicts, issued } =
      (await this.issueAsNew(unit, chunk, facts)) ?? (await this.issueAfterReading(unit, chunk, facts));
    const soldOut: Campaign[] = [];
    for (const { campaignId, count, claimedAt } of tallyByCampaign(issued)) {
      await unit.campaigns.addIssued(campaignId, count, claimedAt);
      const { issued: before, total } = campaigns.get(campaignId) as Campaign;
      if (before + count === total) soldOut.push((await unit.campaigns.find(campaignId)) as Campaign);
    }

    const finished = events.filter(
      ({ claimId }, index) =>
        statuses.has(claimId) && (verdicts[index] === 'issued' || verdicts[index] === 'duplicate'),
    );
    await unit.failedEvents.resolve(finished.map(({ claimId }) => claimId));
    return { pass: passOf(gate), verdicts, soldOut };
  }

  /**
   * Tries without reading which users have a coupon. In a drop no claim of a chunk has one, and the unique key of
   * (campaign, user) proves that for less than a read costs. `issueAfterReading` decides every other verdict: a claim
   * that finds no room may be one that has its coupon.
   *
   * @returns null when some claim is not new; nothing is written then.
   */
  private async issueAsNew(unit: UnitOfWork, chunk: readonly ReadableRecord[], facts: ChunkFacts) {
    if (!this.allNew) return null;
    const verdicts = judge(chunk, facts, NO_HOLDERS);
    if (verdicts.some((verdict) => verdict !== 'issued')) return null;
    const issued = chunk.map(({ event }) => event);
    try {
      await this.insertCoupons(unit, issued, facts);
    } catch (error) {
      // A taken key settles nothing: it does not say whose coupon it is, nor which of the claims met it.
      if (error instanceof DatabaseError && error.kind === 'duplicate') return null;
      throw error;
    }
    return { verdicts, issued };
  }

  private async issueAfterReading(unit: UnitOfWork, chunk: readonly ReadableRecord[], facts: ChunkFacts) {
    const events = chunk.map(({ event }) => event);
    const holders = new Set((await unit.coupons.findByUsers(events)).map(holderKey));
    const verdicts = judge(chunk, facts, holders);
    const issued = events.filter((_event, index) => verdicts[index] === 'issued');
    await this.insertCoupons(unit, issued, facts);
    return { verdicts, issued };
  }

  private async insertCoupons(unit: UnitOfWork, events: readonly ClaimEvent[], facts: ChunkFacts): Promise<void> {
    const { now: createdAt, codeOf } = facts;
    // Written out: a spread is slow, and each coupon pays for it.
    await unit.coupons.insert(
      events.map(({ campaignId, userId, claimId, sequence, claimedAt, idempotencyDigest }) => ({
        campaignId,
        userId,
        claimId,
        code: codeOf(claimId),
        sequence,
        claimedAt,
        idempotencyDigest,
        createdAt,
      })),
    );
  }
}

type CodeOf = Installation['codeOf'];

interface ChunkFacts {
  /** ms, the database's clock. */
  readonly now: number;
  readonly codeOf: CodeOf;
  readonly signaturesDemanded: boolean;
  readonly isDiscarded: (event: ClaimEvent) => boolean;
  readonly isStale: (readable: ReadableRecord) => boolean;
  /** Locked. */
  readonly campaigns: ReadonlyMap<string, Campaign>;
}

const NO_HOLDERS: ReadonlySet<string> = new Set();
const NO_STATUSES: ReadonlyMap<string, FailedEventStatus> = new Map();

/**
 * Decides under the locks; the order of the questions is part of the protocol.
 *
 * @param holders the holder keys of the users who have a coupon.
 */
function judge(
  chunk: readonly ReadableRecord[],
  { signaturesDemanded, isDiscarded, isStale, campaigns }: ChunkFacts,
  holders: ReadonlySet<string>,
): Verdict[] {
  const keys = chunk.map(({ event }) => holderKey(event));
  const contenders = new Map<string, number>();
  const verdicts: (Verdict | undefined)[] = chunk.map((readable, index) => {
    const { event } = readable;
    const key = keys[index] as string;
    // First: whatever else it says may be a lie.
    // mutant: unsigned-accepted
    if (signaturesDemanded && readable.unsigned === true) return 'bad-signature';
    if (isDiscarded(event)) return 'discarded';
    if (holders.has(key)) return 'duplicate';
    // Before anything that is quarantined: the retry would publish a stale claim again, under a new epoch.
    if (isStale(readable)) return 'stale';
    if (!campaigns.has(event.campaignId)) return 'unknown-campaign';
    const rival = contenders.get(key);
    if (rival === undefined || isLaterClaim(event, (chunk[rival] as ReadableRecord).event)) contenders.set(key, index);
    return undefined;
  });

  // First come, first served also where the gate has admitted too many: the latest claims find no room.
  const sequenceAt = (index: number) => (chunk[index] as ReadableRecord).event.sequence;
  const room = new Map([...campaigns.values()].map(({ id, total, issued }) => [id, total - issued]));
  for (const index of [...contenders.values()].sort((a, b) => sequenceAt(a) - sequenceAt(b))) {
    const { campaignId } = (chunk[index] as ReadableRecord).event;
    const left = room.get(campaignId) ?? 0;
    verdicts[index] = left > 0 ? 'issued' : 'over-total';
    room.set(campaignId, left - 1);
  }

  // A claim that lost against another one of its user follows it: only a coupon can have a duplicate.
  return verdicts.map((verdict, index) => {
    if (verdict !== undefined) return verdict;
    const winner = contenders.get(keys[index] as string) as number;
    return verdicts[winner] === 'issued' ? 'duplicate' : 'over-total';
  });
}
