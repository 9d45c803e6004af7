import { type ClaimEvent, decodeClaimEvent, holderKey } from '../../domain/claim.js';
import { isStaleClaim } from '../../domain/stale-claims.js';
import { type UnitOfWork } from '../../ports/database/database.js';
import { type QuarantinedRecord } from '../../ports/database/failed-event-store.js';
import { type GateCut } from '../../ports/database/gate-row-store.js';
import { type LogRecord } from '../../ports/log/claim-log.js';
import { type SqliteDatabase } from '../sqlite/sqlite-database.js';
import { JOURNAL_PARTITION, type JournalClaimLog } from './journal-claim-log.js';

const PAGE = 500;
const MOVED = { errorClass: 'unpublished', errorCode: 'moved', errorMessage: 'the claim log was left by a move' };

interface ReadClaim {
  readonly record: LogRecord;
  readonly event: ClaimEvent;
}

/**
 * Makes failed events of what the consumer has not settled, for a log that is left for good. The retry publishes them
 * on the log that comes after it. Leaves out what the consumer would drop, by the consumer's own rules.
 *
 * Call it while no other work is done on the file. It may be killed and repeated: a claim has one row.
 *
 * @returns how many records became rows.
 */
export async function recordUnsettled(journal: JournalClaimLog, database: SqliteDatabase): Promise<number> {
  let next = (await journal.committedOffsets()).get(JOURNAL_PARTITION) ?? 0;
  let recorded = 0;
  for (;;) {
    const records = await journal.readPage(next, PAGE);
    const last = records.at(-1);
    if (last === undefined) return recorded;
    recorded += await database.transaction((unit) => recordPage(unit, records));
    next = last.offset + 1;
    // After the rows: what is read twice gets no second row.
    await journal.settle(next);
  }
}

async function recordPage(unit: UnitOfWork, records: readonly LogRecord[]): Promise<number> {
  const claims: ReadClaim[] = [];
  const broken: QuarantinedRecord[] = [];
  for (const record of records) {
    const decoded = decodeClaimEvent(record.value);
    if (decoded.kind === 'claim') {
      claims.push({ record, event: decoded.event });
    } else {
      const failure = { errorClass: 'poison', errorCode: decoded.code, errorMessage: decoded.reason };
      broken.push({ record, claim: null, failure });
    }
  }
  const waiting = await withoutDropped(unit, claims);
  await unit.failedEvents.addUnpublished(waiting.map((claim) => ({ claim, source: 'API' as const, failure: MOVED })));
  await unit.failedEvents.quarantine(broken);
  return waiting.length + broken.length;
}

async function withoutDropped(unit: UnitOfWork, claims: readonly ReadClaim[]): Promise<ClaimEvent[]> {
  const events = claims.map(({ event }) => event);
  const holders = new Set((await unit.coupons.findByUsers(events)).map(holderKey));
  const statuses = await unit.failedEvents.statusesOf(events.map(({ claimId }) => claimId));
  const cuts = new Map<number, GateCut | null>();
  for (const epoch of new Set(events.map((event) => event.epoch))) cuts.set(epoch, await unit.gate.cutAbove(epoch));
  const waiting: ClaimEvent[] = [];
  for (const { record, event } of claims) {
    if (holders.has(holderKey(event)) || statuses.has(event.claimId)) continue;
    // mutant: moved-stale
    if (isStaleClaim(cuts.get(event.epoch) ?? null, record)) continue;
    waiting.push(event);
  }
  return waiting;
}
