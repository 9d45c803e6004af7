import { In, IsNull, LessThan, MoreThan, Not } from 'typeorm';
import { type ClaimEvent } from '../../../domain/claim.js';
import {
  FAILED_EVENT_STATUSES,
  type FailedEvent,
  type FailedEventFilter,
  type FailedEventStatus,
  FailedEventStore,
  type OpenClaim,
} from '../../../ports/database/failed-event-store.js';
import { EVENT_COLUMNS, type Raw, selected } from '../claim-columns.js';
import { FailedEventEntity, type StoredClaim } from '../entities/failed-event.entity.js';
import { chunks, inList } from '../sql-dialect.js';
import { type SqlSession } from '../sql-session.js';
import { claimOf, toFailedEvent } from './failed-event-rows.js';

/** Statuses in which a claim may still become a coupon without an operator. */
export const OPEN: readonly FailedEventStatus[] = ['PENDING', 'PUBLISHING', 'REPUBLISHED'];

/** Statuses of a claim that a rebuilt gate must still know. */
const UNFINISHED: readonly FailedEventStatus[] = [...OPEN, 'DEAD'];

/**
 * Ids that one statement looks at. The table keeps what is resolved, and no statement may become slower as it grows.
 */
const SCANNED_AT_ONCE = 20_000;

/**
 * The part from FROM on of the queries that count and list slot holders of a campaign: users who take a slot of the
 * stock by a failed event. Their claim may still become a coupon; or it was discarded, and the gate has not given its
 * slot back yet. A user who also has a coupon holds the slot by that.
 */
const SLOT_HOLDERS =
  'FROM failed_events f WHERE f.campaign_id = ? AND f.claim_id IS NOT NULL ' +
  "AND (f.status NOT IN ('RESOLVED', 'DISCARDED') OR (f.status = 'DISCARDED' AND f.released_at IS NULL)) " +
  'AND NOT EXISTS (SELECT 1 FROM coupons c WHERE c.campaign_id = f.campaign_id AND c.user_id = f.user_id)';

/** What is read from `failed_events`; `SqlFailedEventStore` adds what changes it. */
export abstract class SqlFailedEventQueries extends FailedEventStore {
  constructor(protected readonly sql: SqlSession) {
    super();
  }

  async statusesOf(claimIds: readonly string[]): Promise<ReadonlyMap<string, FailedEventStatus>> {
    const statuses = new Map<string, FailedEventStatus>();
    for (const some of chunks(claimIds)) {
      const rows = await this.sql.select<{ claim_id: string; status: FailedEventStatus }>(
        `SELECT claim_id, status FROM failed_events WHERE claim_id IN ${inList(some)}`,
        [...some],
      );
      for (const row of rows) statuses.set(row.claim_id, row.status);
    }
    return statuses;
  }

  async existOf(campaignIds: readonly string[]): Promise<boolean> {
    for (const some of chunks(campaignIds)) {
      const rows = await this.sql.select(`SELECT 1 FROM failed_events WHERE campaign_id IN ${inList(some)} LIMIT 1`, [
        ...some,
      ]);
      if (rows.length > 0) return true;
    }
    return false;
  }

  /** The statement is written out: a rebuild reads a million rows, and TypeORM takes longer for a row than the server. */
  async openClaimsAfter(id: number, limit: number): Promise<OpenClaim[]> {
    const end = await this.highestId();
    const found: OpenClaim[] = [];
    for (let from = id; from < end && found.length < limit; from += SCANNED_AT_ONCE) {
      const rows = await this.sql.select<Raw<ClaimEvent & { id: number }>>(
        `SELECT id, ${selected(EVENT_COLUMNS)} FROM failed_events ` +
          `WHERE id > ? AND id <= ? AND status IN ${inList(UNFINISHED)} AND claim_id IS NOT NULL ORDER BY id LIMIT ?`,
        [from, from + SCANNED_AT_ONCE, ...UNFINISHED, limit - found.length],
      );
      for (const { id: rowId, sequence, claimedAt, epoch, ...claim } of rows) {
        found.push({
          id: Number(rowId),
          claim: { ...claim, sequence: Number(sequence), claimedAt: Number(claimedAt), epoch: Number(epoch) },
        });
      }
    }
    return found;
  }

  async highestSequences(): Promise<ReadonlyMap<string, number>> {
    const highest = new Map<string, number>();
    const end = await this.highestId();
    for (let from = 0; from < end; from += SCANNED_AT_ONCE) {
      const rows = await this.sql.select<{ campaign_id: string; sequence: number | string | null }>(
        'SELECT campaign_id, MAX(sequence) AS sequence FROM failed_events ' +
          'WHERE id > ? AND id <= ? AND campaign_id IS NOT NULL GROUP BY campaign_id',
        [from, from + SCANNED_AT_ONCE],
      );
      for (const { campaign_id: id, sequence } of rows) {
        highest.set(id, Math.max(highest.get(id) ?? 0, Number(sequence ?? 0)));
      }
    }
    return highest;
  }

  async countSlotHolders(campaignId: string): Promise<number> {
    const [row] = await this.sql.select<{ holders: number | string }>(
      `SELECT COUNT(DISTINCT f.user_id) AS holders ${SLOT_HOLDERS}`,
      [campaignId],
    );
    return Number(row?.holders ?? 0);
  }

  async slotHolders(campaignId: string, limit: number): Promise<{ userId: string; claimId: string }[]> {
    const rows = await this.sql.select<{ user_id: string; claim_id: string }>(
      `SELECT f.user_id, f.claim_id ${SLOT_HOLDERS} ORDER BY f.id LIMIT ?`,
      [campaignId, limit],
    );
    return rows.map((row) => ({ userId: row.user_id, claimId: row.claim_id }));
  }

  async findByClaimIds(claimIds: readonly string[]): Promise<FailedEvent[]> {
    const found: FailedEvent[] = [];
    for (const some of chunks(claimIds)) {
      for (const row of await this.repository.findBy({ claimId: In(some) })) found.push(toFailedEvent(row));
    }
    return found;
  }

  /**
   * The statement is written out: callers ask for their claims during a drop, and TypeORM takes longer than the
   * database.
   */
  async findByUser(campaignId: string, userId: string): Promise<Pick<FailedEvent, 'claim' | 'status'> | null> {
    const [row] = await this.sql.select<Raw<StoredClaim & Pick<FailedEvent, 'status'>>>(
      `SELECT ${selected(EVENT_COLUMNS)}, status FROM failed_events ` +
        'WHERE campaign_id = ? AND user_id = ? ORDER BY id DESC LIMIT 1',
      [campaignId, userId],
    );
    if (row === undefined) return null;
    const claim = claimOf({
      ...row,
      sequence: Number(row.sequence),
      claimedAt: Number(row.claimedAt),
      epoch: Number(row.epoch),
    });
    return { claim, status: row.status };
  }

  async find(id: number): Promise<FailedEvent | null> {
    const row = await this.repository.findOneBy({ id });
    return row === null ? null : toFailedEvent(row);
  }

  async list({ status, campaignId, beforeId, limit }: FailedEventFilter): Promise<FailedEvent[]> {
    const rows = await this.repository.find({
      where: {
        ...(status === undefined ? {} : { status }),
        ...(campaignId === undefined ? {} : { campaignId }),
        ...(beforeId === undefined ? {} : { id: LessThan(beforeId) }),
      },
      order: { id: 'DESC' },
      take: limit,
    });
    return rows.map(toFailedEvent);
  }

  async unreleased(limit: number, afterId = 0): Promise<FailedEvent[]> {
    const rows = await this.repository.find({
      where: { id: MoreThan(afterId), status: 'DISCARDED', releasedAt: IsNull(), claimId: Not(IsNull()) },
      order: { id: 'ASC' },
      take: limit,
    });
    return rows.map(toFailedEvent);
  }

  async countByStatus(campaignId?: string): Promise<Record<FailedEventStatus, number>> {
    const counts = Object.fromEntries(FAILED_EVENT_STATUSES.map((status) => [status, 0])) as Record<
      FailedEventStatus,
      number
    >;
    const rows = await this.sql.select<{ status: FailedEventStatus; count: number | string }>(
      `SELECT status, COUNT(*) AS count FROM failed_events ${campaignId === undefined ? '' : 'WHERE campaign_id = ? '}` +
        'GROUP BY status',
      campaignId === undefined ? [] : [campaignId],
    );
    for (const row of rows) counts[row.status] = Number(row.count);
    return counts;
  }

  private async highestId(): Promise<number> {
    const [row] = await this.sql.select<{ id: number | string | null }>('SELECT MAX(id) AS id FROM failed_events');
    return Number(row?.id ?? 0);
  }

  protected get repository() {
    return this.sql.repository(FailedEventEntity);
  }
}
