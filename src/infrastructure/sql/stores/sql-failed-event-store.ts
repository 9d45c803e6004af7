import { createHash, randomUUID } from 'node:crypto';
import { Between, In, IsNull, LessThan, MoreThan, Not } from 'typeorm';
import { type ClaimEvent, type Fields } from '../../../domain/claim.js';
import { backoffMs, CONFIRMATION_MS, MAX_ATTEMPTS } from '../../../domain/retry-policy.js';
import {
  FAILED_EVENT_STATUSES,
  type FailedEvent,
  type FailedEventFilter,
  type FailedEventStatus,
  FailedEventStore,
  type Failure,
  type PublishResult,
  type QuarantinedRecord,
  type UnpublishedClaim,
} from '../../../ports/database/failed-event-store.js';
import { type LogRecord } from '../../../ports/log/claim-log.js';
import { EVENT_COLUMNS, type Raw, selected } from '../claim-columns.js';
import { FailedEventEntity, type StoredClaim } from '../entities/failed-event.entity.js';
import { chunks, inList } from '../sql-dialect.js';
import { type SqlSession } from '../sql-session.js';

/** What is kept of a broken message, bytes: enough to see what it was, not enough to fill the disk. */
const MAX_KEPT_BYTES = 32 * 1024;

/** Of one row, at most, in an INSERT. */
const COLUMNS = 32;

const OPEN: readonly FailedEventStatus[] = ['PENDING', 'PUBLISHING', 'REPUBLISHED'];

/** What an instance that died left behind is little; what waits to be confirmed may be on the log already. */
const LEASED_IN_ORDER: readonly FailedEventStatus[] = ['PUBLISHING', 'PENDING', 'REPUBLISHED'];

/** Ids that one statement looks at: the table keeps what is resolved, and no statement may become longer with it. */
const SCANNED_AT_ONCE = 20_000;

/**
 * From FROM on, for the queries that count and list slot holders of a campaign: users who take a slot of the stock by a
 * failed event. Their claim may still become a coupon; or it was discarded, and the gate has not given its slot back yet.
 * A user who also has a coupon holds the slot by that.
 */
const SLOT_HOLDERS =
  'FROM failed_events f WHERE f.campaign_id = ? AND f.claim_id IS NOT NULL ' +
  "AND (f.status NOT IN ('RESOLVED', 'DISCARDED') OR (f.status = 'DISCARDED' AND f.released_at IS NULL)) " +
  'AND NOT EXISTS (SELECT 1 FROM coupons c WHERE c.campaign_id = f.campaign_id AND c.user_id = f.user_id)';

export class SqlFailedEventStore extends FailedEventStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  async addUnpublished(claims: readonly UnpublishedClaim[]): Promise<void> {
    if (claims.length === 0) return;
    const known = new Set((await this.statusesOf(claims.map(({ claim }) => claim.claimId))).keys());
    const now = await this.sql.now();
    const rows = [];
    for (const { claim, source, failure } of claims) {
      // A claim that was sent twice, as an idempotent replay is, may stand twice in one batch.
      if (known.has(claim.claimId)) continue;
      known.add(claim.claimId);
      rows.push({ ...newRow(claim.claimId, claim, failure, now), source, status: 'PENDING' as const, attempts: 0 });
    }
    for (const some of chunks(rows, COLUMNS)) await this.repository.insert([...some]);
  }

  async quarantine(
    records: readonly QuarantinedRecord[],
    { withoutPayload = false }: { withoutPayload?: boolean } = {},
  ): Promise<void> {
    const now = await this.sql.now();
    for (const { record, claim, failure } of records) {
      const dedupeKey = claim?.claimId ?? digestOfPosition(record);
      // Without the lock, an operator's discard that commits before the UPDATE would be undone by it: its slot is given
      // back already, and the claim would come back for another one.
      await this.lockRow('dedupe_key', dedupeKey);
      const known = await this.repository.findOneBy({ dedupeKey });
      if (known === null) {
        const attempts = 1;
        await this.repository.insert({
          ...newRow(dedupeKey, claim, failure, now),
          source: 'CONSUMER',
          status: claim === null || isFinal(failure) ? 'DEAD' : 'PENDING',
          attempts,
          nextAttemptAt: now + backoffMs(attempts, Math.random()),
          topic: record.topic,
          partition: record.partition,
          offset: record.offset,
          ...(withoutPayload ? { truncated: 1 } : keptBytes(record)),
        });
      } else if (OPEN.includes(known.status)) {
        // It was set aside a moment ago, and this is a copy from before that: several lie on the log when a row was
        // published again and again while nobody consumed. Only what the retry has sent is an attempt.
        const isCopy = known.status === 'PENDING' && known.attempts > 0 && known.nextAttemptAt > now;
        const attempts = isCopy ? known.attempts : known.attempts + 1;
        await this.repository.update(
          { id: known.id },
          {
            ...failureColumns(failure),
            status: attempts >= known.maxAttempts || isFinal(failure) ? 'DEAD' : 'PENDING',
            attempts,
            nextAttemptAt: isCopy ? known.nextAttemptAt : now + backoffMs(attempts, Math.random()),
            leaseOwner: null,
            leaseUntil: null,
            topic: record.topic,
            partition: record.partition,
            offset: record.offset,
            version: known.version + 1,
            updatedAt: now,
          },
        );
      }
    }
  }

  async proveWritable(): Promise<void> {
    const dedupeKey = `probe-${randomUUID()}`;
    const probe = { errorClass: 'probe', errorCode: 'probe', errorMessage: 'never committed' };
    await this.sql.execute('SAVEPOINT probe');
    await this.repository.insert({
      ...newRow(dedupeKey, null, probe, await this.sql.now()),
      source: 'API',
      status: 'DISCARDED',
      attempts: 0,
    });
    // The file is full where a commit cannot be written, so the commit has to have something to write. A server refuses the
    // row itself, and its user may have no right to delete.
    if (this.sql.dialect.name === 'sqlite') await this.repository.delete({ dedupeKey });
    else await this.sql.execute('ROLLBACK TO SAVEPOINT probe');
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

  async resolve(claimIds: readonly string[]): Promise<void> {
    for (const some of chunks(claimIds)) {
      await this.sql.execute(
        "UPDATE failed_events SET status = 'RESOLVED', resolved_by = 'consumer', lease_owner = NULL, " +
          `lease_until = NULL, version = version + 1, updated_at = ${this.sql.dialect.now} ` +
          `WHERE claim_id IN ${inList(some)} AND status NOT IN ('RESOLVED', 'DISCARDED')`,
        [...some],
      );
    }
  }

  async lease(owner: string, limit: number, leaseMs: number): Promise<FailedEvent[]> {
    const now = await this.sql.now();
    // A lease sets next_attempt_at to its own end, so one condition finds what is due and what was left behind.
    const ids: number[] = [];
    for (const status of LEASED_IN_ORDER) {
      if (ids.length === limit) break;
      // One status at a time, as the index has them: for several the server would sort all that is due, and lock it.
      const due = await this.sql.select<{ id: number | string }>(
        'SELECT id FROM failed_events WHERE status = ? AND next_attempt_at <= ? AND claim_id IS NOT NULL ' +
          `ORDER BY next_attempt_at LIMIT ?${this.sql.dialect.lockExclusiveSkippingLocked}`,
        [status, now, limit - ids.length],
      );
      ids.push(...due.map((row) => Number(row.id)));
    }
    if (ids.length === 0) return [];
    const leaseUntil = now + leaseMs;
    await this.sql.execute(
      "UPDATE failed_events SET status = 'PUBLISHING', lease_owner = ?, lease_until = ?, next_attempt_at = ?, " +
        `version = version + 1, updated_at = ? WHERE id IN ${inList(ids)}`,
      [owner, leaseUntil, leaseUntil, now, ...ids],
    );
    const rows = await this.repository.find({ where: { id: In(ids) }, order: { id: 'ASC' } });
    return rows.map(toFailedEvent);
  }

  async finishLease(owner: string, ids: readonly number[], result: PublishResult): Promise<void> {
    if (ids.length === 0) return;
    const { now } = this.sql.dialect;
    const [status, waitMs] =
      result.kind === 'published' ? ['REPUBLISHED', CONFIRMATION_MS] : ['PENDING', result.delayMs];
    // The consumer may have been faster: what it resolved or counted meanwhile stays. A lease that ran out is over also
    // while nobody has taken the row yet: whoever is about to must not find its lease ended.
    await this.sql.execute(
      `UPDATE failed_events SET status = ?, next_attempt_at = ${now} + ?, lease_owner = NULL, lease_until = NULL, ` +
        `version = version + 1, updated_at = ${now} ` +
        `WHERE id IN ${inList(ids)} AND lease_owner = ? AND status = 'PUBLISHING' AND lease_until > ${now}`,
      [status, waitMs, ...ids, owner],
    );
  }

  async openClaimsAfter(id: number, limit: number): Promise<FailedEvent[]> {
    const end = await this.highestId();
    const found: FailedEvent[] = [];
    for (let from = id; from < end && found.length < limit; from += SCANNED_AT_ONCE) {
      const rows = await this.repository.find({
        where: {
          id: Between(from + 1, from + SCANNED_AT_ONCE),
          status: In([...OPEN, 'DEAD']),
          claimId: Not(IsNull()),
        },
        order: { id: 'ASC' },
        take: limit - found.length,
      });
      found.push(...rows.map(toFailedEvent));
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

  private async highestId(): Promise<number> {
    const [row] = await this.sql.select<{ id: number | string | null }>('SELECT MAX(id) AS id FROM failed_events');
    return Number(row?.id ?? 0);
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

  /** Written out: callers ask for their claims in the middle of a drop, and TypeORM takes longer than the database. */
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

  async lock(id: number): Promise<FailedEvent | null> {
    await this.lockRow('id', id);
    return this.find(id);
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

  async requeue(id: number, note: string | null): Promise<void> {
    await this.sql.execute(
      "UPDATE failed_events SET status = 'PENDING', attempts = 0, lease_owner = NULL, lease_until = NULL, note = ?, " +
        `next_attempt_at = ${this.sql.dialect.now}, version = version + 1, updated_at = ${this.sql.dialect.now} ` +
        'WHERE id = ?',
      [note, id],
    );
  }

  async discard(id: number, reason: string): Promise<void> {
    await this.sql.execute(
      "UPDATE failed_events SET status = 'DISCARDED', resolved_by = 'operator', note = ?, lease_owner = NULL, " +
        `lease_until = NULL, version = version + 1, updated_at = ${this.sql.dialect.now} WHERE id = ?`,
      [reason, id],
    );
  }

  async unreleased(limit: number, afterId = 0): Promise<FailedEvent[]> {
    const rows = await this.repository.find({
      where: { id: MoreThan(afterId), status: 'DISCARDED', releasedAt: IsNull(), claimId: Not(IsNull()) },
      order: { id: 'ASC' },
      take: limit,
    });
    return rows.map(toFailedEvent);
  }

  async markReleased(id: number): Promise<void> {
    await this.sql.execute(`UPDATE failed_events SET released_at = ${this.sql.dialect.now} WHERE id = ?`, [id]);
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

  /** The read that follows shows what was committed last: units of work that write are READ COMMITTED. */
  private async lockRow(column: 'id' | 'dedupe_key', value: number | string): Promise<void> {
    const { lockExclusive } = this.sql.dialect;
    if (lockExclusive === '') return;
    await this.sql.select(`SELECT id FROM failed_events WHERE ${column} = ?${lockExclusive}`, [value]);
  }

  private get repository() {
    return this.sql.repository(FailedEventEntity);
  }
}

/** A campaign row is committed before the gate knows it and is never deleted, so waiting cannot bring one into being. */
function isFinal(failure: Failure): boolean {
  return failure.errorCode === 'unknown-campaign';
}

const NO_CLAIM: Fields<ClaimEvent, null> = {
  claimId: null,
  campaignId: null,
  userId: null,
  sequence: null,
  claimedAt: null,
  epoch: null,
  idempotencyDigest: null,
};

function newRow(dedupeKey: string, claim: ClaimEvent | null, failure: Failure, now: number) {
  return {
    dedupeKey,
    ...(claim ?? NO_CLAIM),
    ...failureColumns(failure),
    maxAttempts: MAX_ATTEMPTS,
    nextAttemptAt: now,
    truncated: 0,
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
}

function failureColumns({ errorClass, errorCode, errorMessage }: Failure) {
  return {
    errorClass: errorClass.slice(0, 32),
    errorCode: errorCode.slice(0, 64),
    errorMessage: errorMessage.slice(0, 500),
  };
}

/** Names an unreadable message by where it lies: the same one, delivered again, is the same row. */
function digestOfPosition({ topic, partition, offset }: LogRecord): string {
  return createHash('sha256').update(`${topic}:${partition}:${offset}`).digest('hex');
}

function keptBytes({ key, value, headers }: LogRecord) {
  const encodedHeaders = Buffer.from(
    JSON.stringify(
      Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')])),
    ),
  );
  const parts = [key, value, encodedHeaders];
  const cut = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).subarray(0, MAX_KEPT_BYTES));
  return {
    messageKey: cut(key),
    payload: cut(value),
    headers: cut(encodedHeaders),
    truncated: parts.some((bytes) => bytes !== null && bytes.length > MAX_KEPT_BYTES) ? 1 : 0,
  };
}

/** A message that could not be read has a row and no claim. */
function claimOf(row: StoredClaim): ClaimEvent | null {
  if (row.claimId === null) return null;
  return {
    claimId: row.claimId,
    campaignId: row.campaignId ?? '',
    userId: row.userId ?? '',
    sequence: row.sequence ?? 0,
    claimedAt: row.claimedAt ?? 0,
    epoch: row.epoch ?? 0,
    idempotencyDigest: row.idempotencyDigest,
  };
}

function toFailedEvent(row: FailedEventEntity): FailedEvent {
  return {
    id: Number(row.id),
    dedupeKey: row.dedupeKey,
    claim: claimOf(row),
    topic: row.topic,
    partition: row.partition,
    offset: row.offset,
    source: row.source,
    failure: { errorClass: row.errorClass, errorCode: row.errorCode, errorMessage: row.errorMessage },
    status: row.status,
    attempts: row.attempts,
    maxAttempts: row.maxAttempts,
    nextAttemptAt: row.nextAttemptAt,
    leaseOwner: row.leaseOwner,
    leaseUntil: row.leaseUntil,
    releasedAt: row.releasedAt,
    resolvedBy: row.resolvedBy,
    note: row.note,
    version: row.version,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
