import { type ClaimEvent, decodeClaimEvent, holderKey } from '../../domain/claim.js';
import { isStaleClaim } from '../../domain/stale-claims.js';
import { type Database } from '../../ports/database/database.js';
import { type GateCut } from '../../ports/database/gate-row-store.js';
import { type GateBuilder } from '../../ports/gate/gate-builder.js';
import { type ClaimLog, type LogOffsets, type LogRecord } from '../../ports/log/claim-log.js';
import { type BuilderLease } from './builder-lease.js';
import { stageCoupons } from './stage-coupons.js';
import { type StagedClaims } from './staged-claims.js';

/** Messages of the log in one look-up in the database. */
const LOG_PAGE = 500;
/** Epochs whose cut is cached. Others can write to the topic, so their number needs a limit. */
const MAX_KNOWN_CUTS = 1_000;

/** The part of the log that the consumer may not have settled. */
export interface Unsettled {
  readonly from: LogOffsets;
  readonly end: LogOffsets;
  readonly logId: string | null;
}

/** Steps 3 and 5 of a rebuild: what of the log the builder has to read, and what it adds to the snapshot. */
export class LogReading {
  constructor(
    private readonly database: Database,
    private readonly builder: GateBuilder,
    private readonly log: ClaimLog,
  ) {}

  /** Step 3. Reads the committed offsets first, so that they are never newer than the end. */
  async readOffsets(): Promise<Unsettled> {
    const logId = await this.log.logId();
    const committed = await this.log.committedOffsets();
    const end = await this.log.endOffsets();
    const start = await this.log.startOffsets();
    if ((await this.log.logId()) !== logId) throw new Error('the log was made anew while its offsets were read');
    const from = new Map<number, number>();
    for (const [partition, last] of end) {
      const first = start.get(partition) ?? 0;
      const settled = committed.get(partition);
      // The group never committed, the log was pruned beyond its offset, or the topic is a new one: read everything.
      const known = settled !== undefined && settled >= first && settled <= last;
      // mutant: from-the-end
      from.set(partition, known ? settled : first);
    }
    return { from, end, logId };
  }

  /** Step 5: adds the claims of the log that the snapshot lacks. */
  async stage(lease: BuilderLease, { from, end, logId }: Unsettled, found: StagedClaims): Promise<void> {
    const cuts = new Map<number, GateCut | null>();
    for await (const records of this.log.read(from, end)) {
      for (let first = 0; first < records.length; first += LOG_PAGE) {
        lease.check();
        await this.addMissing(lease.epoch, records.slice(first, first + LOG_PAGE), logId, cuts, found);
      }
    }
  }

  /**
   * The part to read again, because records of it were deleted before they were read; null when all of it was there.
   *
   * The consumer goes on during a rebuild, and the journal deletes what is settled. A coupon that the consumer stored
   * after the snapshot would then be neither in the snapshot nor on the log; another snapshot has it. The end does not
   * move, so the part gets smaller each time, and is empty at the latest when the consumer's backlog is.
   */
  async findDeleted({ from, end, logId }: Unsettled): Promise<Unsettled | null> {
    const start = await this.log.startOffsets();
    const left = new Map<number, number>();
    let deleted = false;
    for (const [partition, last] of end) {
      const before = from.get(partition) ?? 0;
      const first = Math.min(start.get(partition) ?? 0, last);
      deleted ||= first > before;
      left.set(partition, Math.max(first, before));
    }
    // mutant: deleted-unread
    return deleted ? { from: left, end, logId } : null;
  }

  /** Does the record with this index count? The consumer decides by the same two questions. */
  private async trust(records: readonly LogRecord[]): Promise<(index: number) => boolean> {
    const authors = await this.log.authorsOf(records);
    const demanded =
      authors.includes('unsigned') && (await this.database.read((unit) => unit.gate.read())).signedSince !== null;
    return (index) => authors[index] === 'own' || (authors[index] === 'unsigned' && !demanded);
  }

  private async addMissing(
    epoch: number,
    records: readonly LogRecord[],
    logId: string | null,
    cuts: Map<number, GateCut | null>,
    found: StagedClaims,
  ): Promise<void> {
    const events: { event: ClaimEvent; record: LogRecord; trusted: boolean }[] = [];
    const isTrusted = await this.trust(records);
    for (const [index, record] of records.entries()) {
      // An unreadable batch is poison, and the consumer quarantines it. Nothing here tells which claims were in it. A
      // promised one comes back if the sweeper finds it pending, or the takeover does in the memory of the old gate.
      if (record.unreadable !== undefined) continue;
      const decoded = decodeClaimEvent(record.value);
      // mutant: foreign-claims-staged
      if (decoded.kind === 'poison' || !found.isOwn(decoded.event)) continue;
      if (!found.knows(decoded.event.campaignId)) continue;
      // The consumer quarantines what is not trusted. A promised claim whose key is lost comes back like those of an
      // unreadable batch. The coupon of its user is looked for all the same: it may come from a time of more trust.
      // mutant: unverified-at-rebuild
      const trusted = isTrusted(index);
      if (trusted) found.note(decoded.event);
      events.push({ event: decoded.event, record, trusted });
    }
    if (events.length === 0) return;
    const { issued, statuses } = await this.database.read(async (unit) => {
      if (cuts.size > MAX_KNOWN_CUTS) cuts.clear();
      for (const { event, trusted } of events) {
        if (trusted && !cuts.has(event.epoch)) cuts.set(event.epoch, await unit.gate.cutAbove(event.epoch));
      }
      // Statuses first: then a claim that becomes a coupon in between is in at least one of the two answers.
      const statuses = await unit.failedEvents.statusesOf(events.map(({ event }) => event.claimId));
      return { statuses, issued: await unit.coupons.findByUsers(events.map(({ event }) => event)) };
    });
    // These coupons may be younger than the snapshot, so stage them. Users who are staged already stay as they are.
    await stageCoupons(this.builder, epoch, issued, found);
    const issuedTo = new Set(issued.map(holderKey));
    for (const { event, record, trusted } of events) {
      if (!trusted) continue;
      if (issuedTo.has(holderKey(event))) continue;
      if (statuses.get(event.claimId) === 'DISCARDED') continue;
      if (isStaleClaim(cuts.get(event.epoch) ?? null, record, logId)) continue;
      found.add(event);
    }
  }
}
