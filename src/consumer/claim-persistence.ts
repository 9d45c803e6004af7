import { Inject, Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import { type ClaimEvent, type PoisonCode } from '../events/claim-event.js';
import { type LogRecord } from '../events/claim-log.js';
import { type GatePass } from '../gate/issuance-gate.js';
import { type Campaign } from '../persistence/campaign-store.js';
import { Database, type UnitOfWork } from '../persistence/database.js';
import { type GateCut, type GateRow } from '../persistence/gate-row-store.js';
import { isStaleClaim } from '../persistence/stale-claims.js';
import { couponCodeFactory } from './coupon-code.js';

/** A message of the log that could be read. */
export interface ReadableRecord {
  readonly record: LogRecord;
  readonly event: ClaimEvent;
}

/** A message that can never become a coupon as it is. */
export interface Poison {
  readonly record: LogRecord;
  readonly event: ClaimEvent | null;
  readonly code: PoisonCode;
  readonly reason: string;
}

/** What one committed transaction made of its chunk. */
export interface PersistedChunk {
  /** Of the gate row that was locked; null while a rebuild is under way. */
  readonly pass: GatePass | null;
  readonly issued: readonly ClaimEvent[];
  /** The user has a coupon, by this claim or another. */
  readonly duplicates: readonly ClaimEvent[];
  /** Admitted under an epoch that was over when they arrived: never promised. */
  readonly stale: readonly ClaimEvent[];
  /** An operator has the last word. */
  readonly discarded: readonly ClaimEvent[];
  readonly poison: readonly Poison[];
}

/** What is to become of each record, decided under the locks. */
interface Verdicts {
  readonly fresh: ReadableRecord[];
  readonly duplicates: ClaimEvent[];
  readonly stale: ClaimEvent[];
  readonly discarded: ClaimEvent[];
  readonly poison: Poison[];
  /** Claims that have a failed event, whatever its state. */
  readonly failedBefore: ReadonlySet<string>;
}

class RolledBack extends Error {}

/** Turns a chunk of claims into coupons, in one transaction (design §5). */
@Injectable()
export class ClaimPersistence {
  private readonly nextCode = couponCodeFactory();

  constructor(@Inject(Database) private readonly database: Database) {}

  /**
   * Whatever happens in here is done or not done as a whole, and doing it twice changes nothing: the row lock of the
   * campaign makes `issued` and the rows move together, and a coupon that exists settles its claim.
   *
   * @throws DatabaseError
   */
  persist(chunk: readonly ReadableRecord[]): Promise<PersistedChunk> {
    return this.database.transaction(async (unit) => {
      // A share of the gate row first: a rebuild stores its cut either before this transaction or after its commit.
      const gate = await unit.gate.lockShared();
      const campaigns = await lockCampaigns(unit, chunk);
      const verdicts = await judge(unit, chunk, campaigns);
      const issued = takeWithinTotal(verdicts, campaigns);
      await unit.coupons.insert(
        issued.map(({ campaignId, userId, claimId, sequence, claimedAt, idempotencyDigest }) => ({
          campaignId,
          userId,
          claimId,
          code: this.nextCode(),
          sequence,
          claimedAt,
          idempotencyDigest: idempotencyDigest ?? null,
        })),
      );
      for (const [campaignId, count] of countByCampaign(issued)) await unit.campaigns.addIssued(campaignId, count);
      const { duplicates, stale, discarded, poison, failedBefore } = verdicts;
      // A failed event whose user has a coupon has nothing left to do, also when the coupon came from another claim.
      const settled = [...issued, ...duplicates].map(({ claimId }) => claimId);
      await unit.failedEvents.resolve(settled.filter((claimId) => failedBefore.has(claimId)));
      return { pass: passOf(gate), issued, duplicates, stale, discarded, poison };
    });
  }

  /**
   * Can the database store a coupon of this campaign at all? Inserts a row that must fit and takes it back: the answer
   * tells a row that is refused from a server that refuses everything.
   */
  async acceptsCoupons(campaignId: string): Promise<boolean> {
    try {
      await this.database.transaction(async (unit) => {
        await unit.gate.lockShared();
        await unit.campaigns.lock([campaignId]);
        const id = ulid();
        await unit.coupons.insert([
          {
            campaignId,
            userId: id,
            claimId: id,
            code: this.nextCode(),
            sequence: 1,
            claimedAt: 0,
            idempotencyDigest: null,
          },
        ]);
        throw new RolledBack();
      });
    } catch (error) {
      return error instanceof RolledBack;
    }
    return false;
  }
}

async function lockCampaigns(unit: UnitOfWork, chunk: readonly ReadableRecord[]): Promise<Map<string, Campaign>> {
  const ids = [...new Set(chunk.map(({ event }) => event.campaignId))].sort();
  const campaigns = await unit.campaigns.lock(ids);
  return new Map(campaigns.map((campaign) => [campaign.id, campaign]));
}

async function judge(
  unit: UnitOfWork,
  chunk: readonly ReadableRecord[],
  campaigns: ReadonlyMap<string, Campaign>,
): Promise<Verdicts> {
  const events = chunk.map(({ event }) => event);
  const coupons = new Set((await unit.coupons.findByUsers(events)).map(holderOf));
  const statuses = await unit.failedEvents.statusesOf(events.map(({ claimId }) => claimId));
  const cuts = await cutsAbove(unit, events);
  const failedBefore = new Set(statuses.keys());
  const verdicts: Verdicts = { fresh: [], duplicates: [], stale: [], discarded: [], poison: [], failedBefore };

  const candidates = new Map<string, ReadableRecord>();
  for (const readable of chunk) {
    const { record, event } = readable;
    const holder = holderOf(event);
    if (!campaigns.has(event.campaignId)) {
      verdicts.poison.push({ record, event, code: 'unknown-campaign', reason: 'no such campaign' });
    } else if (coupons.has(holder)) {
      verdicts.duplicates.push(event);
    } else if (statuses.get(event.claimId) === 'DISCARDED') {
      verdicts.discarded.push(event);
    } else if (isStaleClaim(cuts.get(event.epoch) ?? null, record.partition, record.offset)) {
      verdicts.stale.push(event);
    } else {
      const rival = candidates.get(holder);
      const [winner, loser] =
        rival === undefined || isLater(event, rival.event) ? [readable, rival] : [rival, readable];
      candidates.set(holder, winner);
      if (loser !== undefined) verdicts.duplicates.push(loser.event);
    }
  }
  verdicts.fresh.push(...candidates.values());
  return verdicts;
}

/** First come, first served also where a total was lowered: whoever has no room left is set aside, last come first. */
function takeWithinTotal(verdicts: Verdicts, campaigns: ReadonlyMap<string, Campaign>): ClaimEvent[] {
  const room = new Map([...campaigns.values()].map(({ id, total, issued }) => [id, total - issued]));
  const taken: ClaimEvent[] = [];
  const inOrder = verdicts.fresh.toSorted((a, b) => a.event.sequence - b.event.sequence);
  for (const { record, event } of inOrder) {
    const left = room.get(event.campaignId) ?? 0;
    if (left > 0) {
      taken.push(event);
      room.set(event.campaignId, left - 1);
      continue;
    }
    verdicts.poison.push({ record, event, code: 'over-total', reason: 'the campaign’s total is issued' });
  }
  return taken;
}

async function cutsAbove(unit: UnitOfWork, events: readonly ClaimEvent[]): Promise<Map<number, GateCut | null>> {
  const cuts = new Map<number, GateCut | null>();
  for (const epoch of new Set(events.map((event) => event.epoch))) cuts.set(epoch, await unit.gate.cutAbove(epoch));
  return cuts;
}

function countByCampaign(events: readonly ClaimEvent[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { campaignId } of events) counts.set(campaignId, (counts.get(campaignId) ?? 0) + 1);
  return counts;
}

/** The rebuild decides alike: for one user the highest epoch, then the highest sequence. */
function isLater(a: ClaimEvent, b: ClaimEvent): boolean {
  return a.epoch === b.epoch ? a.sequence > b.sequence : a.epoch > b.epoch;
}

function holderOf({ campaignId, userId }: { campaignId: string; userId: string }): string {
  return `${campaignId}:${userId}`;
}

function passOf({ epoch, fence }: GateRow): GatePass | null {
  return fence === null ? null : { epoch, fence };
}
