import { randomUUID } from 'node:crypto';
import { In } from 'typeorm';
import { backoffMs, CONFIRMATION_MS } from '../../../domain/retry-policy.js';
import {
  type FailedEvent,
  type FailedEventStatus,
  type Failure,
  type PruneCursor,
  type PrunedPage,
  type PublishResult,
  type QuarantinedRecord,
  type UnpublishedClaim,
} from '../../../ports/database/failed-event-store.js';
import { chunks, inList } from '../sql-dialect.js';
import { digestOfPosition, failureColumns, keptBytes, newRow, toFailedEvent } from './failed-event-rows.js';
import { OPEN, SqlFailedEventQueries } from './sql-failed-event-queries.js';

/** (status, next_attempt_at) */
const DUE_INDEX = 'failed_events_due';

/** Columns of one row in an INSERT, at most. */
const COLUMNS = 32;

interface RawPrunable {
  readonly id: number | string;
  readonly next_attempt_at: number | string;
  readonly updated_at: number | string;
  /** Every RESOLVED row holds a claim. */
  readonly campaign_id: string;
  readonly sequence: number | string;
}

/**
 * The order of leasing. Rows that a dead instance left behind come first: they are few. Rows that wait for their
 * confirmation come last: they may be on the log already.
 */
const LEASED_IN_ORDER: readonly FailedEventStatus[] = ['PUBLISHING', 'PENDING', 'REPUBLISHED'];

export class SqlFailedEventStore extends SqlFailedEventQueries {
  async addUnpublished(claims: readonly UnpublishedClaim[]): Promise<void> {
    if (claims.length === 0) return;
    const known = new Set((await this.statusesOf(claims.map(({ claim }) => claim.claimId))).keys());
    const now = await this.sql.now();
    const rows = [];
    for (const { claim, source, failure } of claims) {
      // A claim may stand twice in one batch, for example after an idempotent replay.
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
    for (const { record, claim, unsigned = false, failure } of records) {
      const dedupeKey = claim?.claimId ?? digestOfPosition(record);
      // Without the lock, the UPDATE would undo an operator's discard that commits just before it. The gate has given
      // that slot back already, and the claim would come back and take another one.
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
          verified: unsigned ? null : 1,
          ...(withoutPayload ? { truncated: 1 } : keptBytes(record, unsigned)),
        });
      } else if (OPEN.includes(known.status)) {
        // The record was set aside a moment ago, and this is an older copy of it. Several copies lie on the log when
        // the retry published a row again and again while no consumer worked. Only what the retry has sent counts as an
        // attempt.
        const isCopy = known.status === 'PENDING' && known.attempts > 0 && known.nextAttemptAt > now;
        const attempts = isCopy ? known.attempts : known.attempts + 1;
        await this.repository.update(
          { id: known.id },
          {
            ...failureColumns(failure),
            // What only an unsigned event has said of this claim gives way to what a signed one says.
            ...(known.verified === null && !unsigned ? { ...claim, verified: 1 } : {}),
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
    // On a full disk only a commit that writes something fails, so SQLite deletes the row and commits. A server refuses
    // the row itself, and its user may have no right to delete.
    if (this.sql.dialect.name === 'sqlite') await this.repository.delete({ dedupeKey });
    else await this.sql.execute('ROLLBACK TO SAVEPOINT probe');
  }

  async resolve(claimIds: readonly string[]): Promise<void> {
    for (const some of chunks(claimIds)) {
      const unresolved = `WHERE claim_id IN ${inList(some)} AND status NOT IN ('RESOLVED', 'DISCARDED')`;
      // Both statements see the same rows: whoever ends a row's way holds the lock of its campaign.
      const counts = await this.sql.select<{ campaign_id: string; resolved: number | string }>(
        `SELECT campaign_id, COUNT(*) AS resolved FROM failed_events ${unresolved} GROUP BY campaign_id`,
        [...some],
      );
      if (counts.length === 0) continue;
      await this.sql.execute(
        "UPDATE failed_events SET status = 'RESOLVED', resolved_by = 'consumer', lease_owner = NULL, " +
          `lease_until = NULL, version = version + 1, updated_at = ${this.sql.dialect.now} ${unresolved}`,
        [...some],
      );
      for (const { campaign_id: id, resolved } of counts) {
        await this.sql.execute('UPDATE campaigns SET resolved_events = resolved_events + ? WHERE id = ?', [
          Number(resolved),
          id,
        ]);
      }
    }
  }

  async lease(owner: string, limit: number, leaseMs: number, consumedBefore: number | null): Promise<FailedEvent[]> {
    const now = await this.sql.now();
    const byDue = this.sql.dialect.byIndex(DUE_INDEX);
    // A lease sets next_attempt_at to its own end, so one condition finds what is due and what was left behind.
    const ids: number[] = [];
    for (const status of LEASED_IN_ORDER) {
      if (ids.length === limit) break;
      const dueUntil = status === 'REPUBLISHED' ? overdueUntil(now, consumedBefore) : now;
      if (dueUntil === null) continue;
      // One status at a time, in the order of the index. For several statuses the server would sort all due rows, and
      // lock them.
      const due = await this.sql.select<{ id: number | string }>(
        `SELECT id FROM failed_events${byDue} WHERE status = ? AND next_attempt_at <= ? AND claim_id IS NOT NULL ` +
          `ORDER BY next_attempt_at LIMIT ?${this.sql.dialect.lockExclusiveSkippingLocked}`,
        [status, dueUntil, limit - ids.length],
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
    const [status, waitMs] = afterLease(result);
    const failure = result.kind === 'unverified' ? "error_class = 'poison', error_code = 'bad-signature', " : '';
    // The consumer may have been faster: a row that it resolved or counted stays as it is. A lease that ran out is
    // over, even while no other instance has taken the row: the one that is about to take it must keep its lease.
    await this.sql.execute(
      `UPDATE failed_events SET status = ?, ${failure}next_attempt_at = ${now} + ?, lease_owner = NULL, lease_until = NULL, ` +
        `version = version + 1, updated_at = ${now} ` +
        `WHERE id IN ${inList(ids)} AND lease_owner = ? AND status = 'PUBLISHING' AND lease_until > ${now}`,
      [status, waitMs, ...ids, owner],
    );
  }

  async lock(id: number): Promise<FailedEvent | null> {
    await this.lockRow('id', id);
    return this.find(id);
  }

  async requeue(id: number, note: string | null): Promise<void> {
    await this.sql.execute(
      "UPDATE failed_events SET status = 'PENDING', attempts = 0, verified = 1, lease_owner = NULL, lease_until = NULL, note = ?, " +
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

  async markReleased(id: number): Promise<void> {
    await this.sql.execute(`UPDATE failed_events SET released_at = ${this.sql.dialect.now} WHERE id = ?`, [id]);
  }

  async pruneResolved(ageMs: number, limit: number, after: PruneCursor | null): Promise<PrunedPage> {
    const before = (await this.sql.now()) - ageMs;
    const { dueAt, id } = after ?? { dueAt: Number.MIN_SAFE_INTEGER, id: 0 };
    // A row keeps its last instant of being due, which is not much later than the last change. So the index of due rows
    // finds the old ones.
    const rows = await this.sql.select<RawPrunable>(
      `SELECT id, next_attempt_at, updated_at, campaign_id, sequence FROM failed_events${this.sql.dialect.byIndex(DUE_INDEX)} ` +
        "WHERE status = 'RESOLVED' AND next_attempt_at >= ? AND next_attempt_at < ? " +
        'AND (next_attempt_at > ? OR id > ?) ORDER BY next_attempt_at, id LIMIT ?',
      [dueAt, before, dueAt, id, limit],
    );
    const old = rows.filter((row) => Number(row.updated_at) < before);
    const highest = await this.highestSequences([...new Set(old.map((row) => row.campaign_id))]);
    // mutant: pruned-sequence
    const ids = old.filter((row) => Number(row.sequence) !== highest.get(row.campaign_id)).map((row) => Number(row.id));
    const last = rows.at(-1);
    const next =
      last === undefined || rows.length < limit ? null : { dueAt: Number(last.next_attempt_at), id: Number(last.id) };
    if (ids.length === 0) return { deleted: 0, next };
    const deleted = await this.sql.execute(
      `DELETE FROM failed_events WHERE id IN ${inList(ids)} AND status = 'RESOLVED'`,
      ids,
    );
    return { deleted, next };
  }

  async emptyDiscarded(ageMs: number, limit: number): Promise<number> {
    const before = (await this.sql.now()) - ageMs;
    const rows = await this.sql.select<{ id: number | string }>(
      `SELECT id FROM failed_events${this.sql.dialect.byIndex(DUE_INDEX)} ` +
        "WHERE status = 'DISCARDED' AND next_attempt_at < ? AND updated_at < ? AND headers IS NOT NULL LIMIT ?",
      [before, before, limit],
    );
    const ids = rows.map((row) => Number(row.id));
    if (ids.length === 0) return 0;
    return this.sql.execute(
      `UPDATE failed_events SET message_key = NULL, payload = NULL, headers = NULL WHERE id IN ${inList(ids)}`,
      ids,
    );
  }

  /** The read after it shows what was committed last: units of work that write are READ COMMITTED. */
  private async lockRow(column: 'id' | 'dedupe_key', value: number | string): Promise<void> {
    const { lockExclusive } = this.sql.dialect;
    if (lockExclusive === '') return;
    await this.sql.select(`SELECT id FROM failed_events WHERE ${column} = ?${lockExclusive}`, [value]);
  }
}

/**
 * The largest `next_attempt_at` of a REPUBLISHED row whose confirmation is overdue; null where none is. The column says
 * when the row was published, because only `finishLease` makes a row REPUBLISHED. So the index of due rows finds the
 * overdue ones, and skips a backlog that waits for the consumer. A row that was published in the same millisecond as
 * `consumedBefore` may be on the log behind what was consumed.
 */
function overdueUntil(now: number, consumedBefore: number | null): number | null {
  return consumedBefore === null ? null : Math.min(now, consumedBefore - 1 + CONFIRMATION_MS);
}

/** The status of a row whose lease has ended, and after how many ms it is due again. */
function afterLease(result: PublishResult): readonly [FailedEventStatus, number] {
  if (result.kind === 'published') return ['REPUBLISHED', CONFIRMATION_MS];
  return result.kind === 'postponed' ? ['PENDING', result.delayMs] : ['DEAD', 0];
}

/** A campaign row is committed before the gate knows it, and is never deleted. So a missing one will never appear. */
function isFinal(failure: Failure): boolean {
  return failure.errorCode === 'unknown-campaign';
}
