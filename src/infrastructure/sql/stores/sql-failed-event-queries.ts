import { In, IsNull, LessThan, MoreThan, Not } from 'typeorm';
import { type ClaimEvent } from '../../../domain/claim.js';
import {
  FAILED_EVENT_STATUSES,
  type FailedEvent,
  type FailedEventFilter,
  type FailedEventStatus,
  FailedEventStore,
  type KeptMessage,
  type OpenClaim,
} from '../../../ports/database/failed-event-store.js';
import { EVENT_COLUMNS, type Raw, selected } from '../claim-columns.js';
import { FailedEventEntity, type StoredClaim } from '../entities/failed-event.entity.js';
import { chunks, inList } from '../sql-dialect.js';
import { type SqlSession } from '../sql-session.js';
import { claimOf, keptMessage, toFailedEvent } from './failed-event-rows.js';

/** Statuses in which a claim may still become a coupon without an operator. */
export const OPEN: readonly FailedEventStatus[] = ['PENDING', 'PUBLISHING', 'REPUBLISHED'];

/** Statuses of a claim that a rebuilt gate must still know. */
const UNFINISHED: readonly FailedEventStatus[] = [...OPEN, 'DEAD'];

/**
 * Ids that one statement looks at. The table keeps what is resolved, and no statement may become slower as it grows.
 */
const SCANNED_AT_ONCE = 20_000;

/** Every status but RESOLVED, whose rows are many. Of the others a campaign has few, other than in an outage. */
const COUNTED = FAILED_EVENT_STATUSES.filter((status) => status !== 'RESOLVED');

/**
 * The part from FROM on of what counts and lists the users who take a slot of the stock by a failed event. Their claim
 * may still become a coupon; or it was discarded, and the gate has not given its slot back yet. A user who also has a
 * coupon holds the slot by that.
 */
const SLOT_HOLDERS =
  'FROM failed_events f ' +
  `WHERE f.campaign_id = ? AND f.status IN (${COUNTED.map((status) => `'${status}'`).join(', ')}) ` +
  "AND f.claim_id IS NOT NULL AND (f.status <> 'DISCARDED' OR f.released_at IS NULL) " +
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

  /**
   * Reads parts of the primary key, and only those that hold an unfinished row: between two of them a million finished ones
   * may lie. The statement is written out: a rebuild reads a million rows, and TypeORM takes longer for a row than the
   * server.
   */
  async openClaimsAfter(id: number, limit: number): Promise<OpenClaim[]> {
    const found: OpenClaim[] = [];
    let first = await this.firstUnfinished(id);
    while (first !== null && found.length < limit) {
      const end = first + SCANNED_AT_ONCE;
      const rows = await this.sql.select<Raw<ClaimEvent & { id: number }>>(
        `SELECT id, ${selected(EVENT_COLUMNS)} FROM failed_events ` +
          `WHERE id >= ? AND id < ? AND status IN ${inList(UNFINISHED)} AND claim_id IS NOT NULL ORDER BY id LIMIT ?`,
        [first, end, ...UNFINISHED, limit - found.length],
      );
      for (const { id: rowId, sequence, claimedAt, epoch, ...claim } of rows) {
        found.push({
          id: Number(rowId),
          claim: { ...claim, sequence: Number(sequence), claimedAt: Number(claimedAt), epoch: Number(epoch) },
        });
      }
      if (found.length < limit) first = await this.firstUnfinished(end - 1);
    }
    return found;
  }

  /** The id of the first unfinished row behind `id`: one look-up in the index for each status. */
  private async firstUnfinished(id: number): Promise<number | null> {
    const firsts = UNFINISHED.map(() => 'SELECT MIN(id) AS id FROM failed_events WHERE status = ? AND id > ?');
    const [row] = await this.sql.select<{ id: number | string | null }>(
      `SELECT MIN(id) AS id FROM (${firsts.join(' UNION ALL ')}) AS firsts`,
      UNFINISHED.flatMap((status) => [status, id]),
    );
    return row === undefined || row.id === null ? null : Number(row.id);
  }

  /** One look-up in the index (campaign_id, sequence) for each campaign. A GROUP BY would read all of it in SQLite. */
  async highestSequences(campaignIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const highest = new Map<string, number>();
    for (const some of chunks(campaignIds)) {
      const rows = await this.sql.select<{ id: string; sequence: number | string | null }>(
        'SELECT id, (SELECT sequence FROM failed_events WHERE campaign_id = campaigns.id ORDER BY sequence DESC LIMIT 1) ' +
          `AS sequence FROM campaigns WHERE id IN ${inList(some)}`,
        [...some],
      );
      for (const { id, sequence } of rows) if (sequence !== null) highest.set(id, Number(sequence));
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
      `SELECT f.user_id, f.claim_id ${SLOT_HOLDERS} LIMIT ?`,
      [campaignId, limit],
    );
    return rows.map((row) => ({ userId: row.user_id, claimId: row.claim_id }));
  }

  async hasUnfinished(campaignId: string): Promise<boolean> {
    const rows = await this.sql.select(
      "SELECT 1 FROM failed_events WHERE campaign_id = ? AND (status IN ('PENDING', 'PUBLISHING', 'REPUBLISHED', 'DEAD') " +
        "OR (status = 'DISCARDED' AND released_at IS NULL)) LIMIT 1",
      [campaignId],
    );
    return rows.length > 0;
  }

  async countUnproven(): Promise<number> {
    const [row] = await this.sql.select<{ unproven: number | string }>(
      `SELECT COUNT(*) AS unproven FROM failed_events WHERE status IN ${inList(OPEN)} ` +
        "AND source = 'CONSUMER' AND verified IS NULL AND claim_id IS NOT NULL",
      [...OPEN],
    );
    return Number(row?.unproven ?? 0);
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

  async messageOf(id: number): Promise<KeptMessage | null> {
    const row = await this.repository.findOne({
      select: { messageKey: true, payload: true, headers: true, truncated: true },
      where: { id },
    });
    return row === null ? null : keptMessage(row);
  }

  async list({
    status,
    campaignId,
    beforeId = Number.MAX_SAFE_INTEGER,
    limit,
  }: FailedEventFilter): Promise<FailedEvent[]> {
    const rows = await this.repository.find({
      where:
        status === undefined && campaignId === undefined
          ? { id: LessThan(beforeId) }
          : { id: In(await this.newestIds(status, campaignId, beforeId, limit)) },
      order: { id: 'DESC' },
      take: limit,
    });
    return rows.map(toFailedEvent);
  }

  /**
   * One range for each status of an index that is in the order of ids within a status. The index is named: of a status that
   * most rows have, MariaDB would read every row through another index, and sort them.
   */
  private async newestIds(
    status: FailedEventStatus | undefined,
    campaignId: string | undefined,
    beforeId: number,
    limit: number,
  ): Promise<number[]> {
    const [index, ofCampaign, campaign] =
      campaignId === undefined
        ? ['failed_events_by_status', '', []]
        : ['failed_events_of_campaign', 'campaign_id = ? AND ', [campaignId]];
    const statuses = status === undefined ? FAILED_EVENT_STATUSES : [status];
    const newest = statuses.map(
      (each) =>
        `SELECT id FROM (SELECT id FROM failed_events${this.sql.dialect.byIndex(index)} ` +
        `WHERE ${ofCampaign}status = '${each}' AND id < ? ORDER BY id DESC LIMIT ?) AS ${each.toLowerCase()}`,
    );
    const rows = await this.sql.select<{ id: number | string }>(
      `${newest.join(' UNION ALL ')} ORDER BY id DESC LIMIT ?`,
      [...newest.flatMap(() => [...campaign, beforeId, limit]), limit],
    );
    return rows.map(({ id }) => Number(id));
  }

  async count({ status, campaignId }: { status: FailedEventStatus; campaignId?: string }) {
    const ofCampaign = campaignId === undefined ? [] : [campaignId];
    const [row] = await this.sql.select<{ total: number | string; claims: number | string }>(
      'SELECT COUNT(*) AS total, COUNT(claim_id) AS claims FROM failed_events WHERE ' +
        `${campaignId === undefined ? '' : 'campaign_id = ? AND '}status = ?`,
      [...ofCampaign, status],
    );
    return { rows: Number(row?.total ?? 0), claims: Number(row?.claims ?? 0) };
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
    const ofCampaign = campaignId === undefined ? [] : [campaignId];
    const counts = Object.fromEntries(FAILED_EVENT_STATUSES.map((status) => [status, 0])) as Record<
      FailedEventStatus,
      number
    >;
    const rows = await this.sql.select<{ status: FailedEventStatus; count: number | string }>(
      `SELECT status, COUNT(*) AS count FROM failed_events WHERE ${campaignId === undefined ? '' : 'campaign_id = ? AND '}` +
        `status IN ${inList(COUNTED)} GROUP BY status`,
      [...ofCampaign, ...COUNTED],
    );
    for (const row of rows) counts[row.status] = Number(row.count);
    const [resolved] = await this.sql.select<{ count: number | string | null }>(
      `SELECT SUM(resolved_events) AS count FROM campaigns WHERE ${campaignId === undefined ? 'resolved_events > 0' : 'id = ?'}`,
      ofCampaign,
    );
    counts.RESOLVED = Number(resolved?.count ?? 0);
    return counts;
  }

  protected get repository() {
    return this.sql.repository(FailedEventEntity);
  }
}
