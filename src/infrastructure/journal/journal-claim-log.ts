import { Injectable, Logger, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { type QueryRunner } from 'typeorm';
import { holderKey, encodeClaimEvent } from '../../domain/claim.js';
import { PUBLISH_TIMEOUT_MS } from '../../domain/deadlines.js';
import { systemClock } from '../../platform/flow/clock.js';
import { LATE_BY_MS, NaturalBatcher } from '../../platform/flow/natural-batcher.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { inside, SpanKind } from '../../platform/tracing/sampled-span.js';
import { tracing } from '../../platform/tracing/tracing.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import {
  ClaimLog,
  ClaimLogFullError,
  type LogOffsets,
  type LogRecord,
  type OutgoingClaim,
  ClaimLogUnavailableError,
  ClaimLogUnconfirmedError,
} from '../../ports/log/claim-log.js';
import { CLAIM_EVENT_PATTERN } from '../../ports/log/claim-transport.js';
import { SYNC_FAILED } from '../sqlite/disk-sync.js';
import { SqliteConnection } from '../sqlite/sqlite-connection.js';
import { JournalTraces } from './journal-traces.js';

/** The journal has one partition. */
export const JOURNAL_PARTITION = 0;
/** While one commit is on its way to the disk, the next one is written. */
const IN_FLIGHT = 2;
/** One consumer reads the journal. */
const CONSUMER_GROUP = 'coupon-consumer';
/** Not a consumer group. The probe writes this row to learn whether the disk takes a commit. */
const PROBE_GROUP = 'probe';
/** How often a disk that refused a commit is tried again, ms. */
const PROBE_INTERVAL_MS = 500;
const READ_PAGE = 500;
/** Settled rows are deleted in steps, so that no single commit takes long. */
const PRUNE_STEP = 2_000;

/** How many claims the journal holds, and for how long. */
export class JournalLimits {
  constructor(
    /** Claims that may wait for the disk; more are refused. */
    readonly waiting = 20_000,
    /** Claims in one group commit. */
    readonly commit = 500,
    /** How long a claim may take to be on the disk, ms. */
    readonly publishMs = PUBLISH_TIMEOUT_MS,
  ) {}
}

interface JournalRow {
  id: number;
  message_key: string | null;
  /** libsql hands a BLOB out as an ArrayBuffer. */
  value: ArrayBuffer | string | null;
}

/**
 * The claim log of the embedded profile: an append-only table in the same file as the coupons. A claim is acknowledged
 * when its commit has been synced to the disk. Commits are grouped without a timer: while some are under way, claims
 * gather for the next one.
 *
 * It does not survive its disk, and no second process can read it.
 */
@Injectable()
export class JournalClaimLog extends ClaimLog implements OnApplicationShutdown {
  private readonly commits: NaturalBatcher<OutgoingClaim>;
  private readonly appendListeners: (() => void)[] = [];
  private readonly traces = new JournalTraces();
  private readonly logger = new Logger('Journal');
  /** Why the last commit was refused, such as a disk that is full, read-only or broken; null after one that was not. */
  private refused: string | null = null;
  private probe: NodeJS.Timeout | undefined;
  private closing = false;

  constructor(
    private readonly connection: SqliteConnection,
    @Optional() { waiting, commit, publishMs }: JournalLimits = new JournalLimits(),
  ) {
    super();
    const limits = { maxBatch: commit, maxWaiting: waiting, maxInFlight: IN_FLIGHT };
    const late = `not on disk within ${publishMs} ms`;
    this.commits = new NaturalBatcher((events) => this.appendTraced(events), limits, systemClock, systemTimers, {
      ms: publishMs - LATE_BY_MS,
      waited: () => new ClaimLogUnavailableError(late),
      unanswered: () => new ClaimLogUnconfirmedError(late),
    });
  }

  /** After a failed sync the journal stays away; see `DiskSync`. After a refused commit it tries again. */
  get away(): boolean {
    return this.refused !== null || this.connection.failed;
  }

  override get trouble(): string | null {
    return this.refused;
  }

  get full(): boolean {
    return this.commits.full;
  }

  publish(event: OutgoingClaim): Promise<void> {
    if (this.full) return Promise.reject(new ClaimLogFullError('too many claims are waiting for the disk'));
    return this.commits.add(event);
  }

  /** Calls the listener after every commit, successful or not. */
  onAppended(listener: () => void): void {
    this.appendListeners.push(listener);
  }

  endOffsets(): Promise<LogOffsets> {
    return this.connection.exclusive(async (runner) => new Map([[JOURNAL_PARTITION, await endOffset(runner)]]));
  }

  startOffsets(): Promise<LogOffsets> {
    return this.connection.exclusive(async (runner) => {
      const [row] = (await runner.query('SELECT MIN(id) AS start FROM journal')) as { start: number | null }[];
      return new Map([[JOURNAL_PARTITION, row?.start ?? (await endOffset(runner))]]);
    });
  }

  committedOffsets(): Promise<LogOffsets> {
    return this.connection.exclusive(async (runner) => {
      const [row] = (await runner.query('SELECT settled FROM journal_offsets WHERE consumer_group = ?', [
        CONSUMER_GROUP,
      ])) as { settled: number }[];
      return row === undefined ? new Map() : new Map([[JOURNAL_PARTITION, row.settled]]);
    });
  }

  async *read(from: LogOffsets, to: LogOffsets): AsyncIterable<readonly LogRecord[]> {
    const end = to.get(JOURNAL_PARTITION) ?? 0;
    let next = from.get(JOURNAL_PARTITION) ?? 0;
    while (next < end) {
      const records = await this.readPage(next, Math.min(READ_PAGE, end - next), end);
      const last = records.at(-1);
      if (last === undefined) return;
      yield records;
      next = last.offset + 1;
    }
  }

  /** At most `limit` records from `offset` on. */
  readPage(offset: number, limit: number, end = Number.MAX_SAFE_INTEGER): Promise<LogRecord[]> {
    return this.connection.exclusive(async (runner) => {
      const rows = (await runner.query(
        'SELECT id, message_key, value FROM journal WHERE id >= ? AND id < ? ORDER BY id LIMIT ?',
        [offset, end, limit],
      )) as JournalRow[];
      return rows.map((row) => this.toLogRecord(row));
    });
  }

  /**
   * Stores how far the consumer is, and deletes some rows before that. An offset never goes back. The call does not
   * wait for the disk: when a power cut takes an offset back, records are delivered again, which may happen anyway.
   */
  settle(nextOffset: number): Promise<void> {
    return this.connection.transaction(
      async (runner) => {
        await runner.query(
          'INSERT INTO journal_offsets (consumer_group, settled) VALUES (?, ?) ' +
            'ON CONFLICT (consumer_group) DO UPDATE SET settled = MAX(settled, excluded.settled)',
          [CONSUMER_GROUP, nextOffset],
        );
        await runner.query('DELETE FROM journal WHERE id < ? AND id < (SELECT MIN(id) FROM journal) + ?', [
          nextOffset,
          PRUNE_STEP,
        ]);
      },
      { durable: false },
    );
  }

  drain(): Promise<void> {
    return this.commits.drain();
  }

  onApplicationShutdown(): void {
    this.closing = true;
    clearTimeout(this.probe);
  }

  private noteAccepted(): void {
    if (this.refused === null) return;
    this.refused = null;
    clearTimeout(this.probe);
    this.logger.log('the journal takes claims again');
  }

  private noteRefused(reason: string): void {
    if (this.refused === null && !this.closing) this.logger.error(`the journal takes no claims: ${reason}`);
    this.refused = reason;
    this.probeLater();
  }

  /** While the journal is away it gets no claims. So it tests by itself whether the disk takes a commit again. */
  private probeLater(): void {
    clearTimeout(this.probe);
    if (this.closing || this.connection.failed) return;
    this.probe = setTimeout(() => {
      const commit = this.connection.transaction((runner) =>
        runner.query(
          'INSERT INTO journal_offsets (consumer_group, settled) VALUES (?, 1) ' +
            'ON CONFLICT (consumer_group) DO UPDATE SET settled = settled + 1',
          [PROBE_GROUP],
        ),
      );
      commit.then(
        () => this.noteAccepted(),
        () => this.probeLater(),
      );
    }, PROBE_INTERVAL_MS).unref();
  }

  private appendTraced(events: readonly OutgoingClaim[]): Promise<void> {
    if (!tracing.enabled) return this.append(events);
    const span = tracing.batch('journal append', events, (event) => event.span, {
      kind: SpanKind.CLIENT,
      attributes: { 'db.system.name': 'sqlite', 'messaging.batch.message_count': events.length },
    });
    if (span === undefined) return this.append(events);
    this.traces.note(events);
    return inside(span, () => this.append(events));
  }

  private async append(events: readonly OutgoingClaim[]): Promise<void> {
    try {
      await this.connection.transaction((runner) => insert(runner, events));
      this.noteAccepted();
    } catch (error) {
      const { message } = error as Error;
      this.noteRefused(message);
      if (error instanceof DatabaseError && error.code === SYNC_FAILED) {
        throw new ClaimLogUnconfirmedError(`the journal is not on disk: ${message}`, { cause: error });
      }
      throw new ClaimLogUnavailableError(`the journal refused: ${message}`, { cause: error });
    } finally {
      for (const listener of this.appendListeners) listener();
    }
  }

  private toLogRecord({ id, message_key, value }: JournalRow): LogRecord {
    return {
      topic: CLAIM_EVENT_PATTERN,
      partition: JOURNAL_PARTITION,
      offset: id,
      key: message_key === null ? null : Buffer.from(message_key),
      // SQLite keeps the type that it was given, so a value that an operator wrote may be text or bytes.
      value: value === null ? null : Buffer.from(value as string),
      headers: this.traces.headersOf(message_key),
    };
  }
}

/**
 * One statement serves batches of every size, so it is prepared once. The rows reach the driver as one string instead
 * of three values each.
 */
async function insert(runner: QueryRunner, events: readonly OutgoingClaim[]): Promise<void> {
  const rows = events.map((event) => [holderKey(event), encodeClaimEvent(event)]);
  await runner.query(
    'INSERT INTO journal (message_key, value, appended_at) ' +
      "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), ? FROM json_each(?)",
    [Date.now(), JSON.stringify(rows)],
  );
}

async function endOffset(runner: QueryRunner): Promise<number> {
  const [row] = (await runner.query("SELECT seq FROM sqlite_sequence WHERE name = 'journal'")) as { seq: number }[];
  return (row?.seq ?? 0) + 1;
}
