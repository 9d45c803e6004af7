import { type CustomTransportStrategy } from '@nestjs/microservices';
import { type ClaimEvent, type ClaimHolder, encodeClaimEvent, type LoggedClaim } from '../../src/domain/claim.js';
import { JournalClaimServer } from '../../src/infrastructure/journal/journal-claim-server.js';
import { ClaimBatchConsumer } from '../../src/modules/consumer/claim-batch-consumer.js';
import { ClaimPersistence, type ReadableRecord } from '../../src/modules/consumer/claim-persistence.js';
import { ClaimQuarantine } from '../../src/modules/consumer/claim-quarantine.js';
import { ConsumerSettings } from '../../src/modules/consumer/consumer-settings.js';
import { ConsumerMetrics, type ConsumedOutcome } from '../../src/modules/consumer/consumer.metrics.js';
import { QuarantineLog } from '../../src/modules/consumer/quarantine-log.js';
import { ForeignClaims } from '../../src/modules/gate-watch/foreign-claims.js';
import { systemClock } from '../../src/platform/flow/clock.js';
import { SystemEntropy } from '../../src/platform/flow/entropy.js';
import { systemTimers } from '../../src/platform/flow/timers.js';
import { MetricsRegistry } from '../../src/platform/metrics/metrics-registry.js';
import { type Coupon } from '../../src/ports/database/coupon-store.js';
import { DatabaseError, type DatabaseErrorKind } from '../../src/ports/database/database-error.js';
import { type UnitOfWork } from '../../src/ports/database/database.js';
import { type FailedEvent } from '../../src/ports/database/failed-event-store.js';
import { type GatePass } from '../../src/ports/gate/issuance-gate.js';
import { ClaimBatchContext } from '../../src/ports/log/claim-batch.context.js';
import { type LogRecord } from '../../src/ports/log/claim-log.js';
import { CLAIM_EVENT_PATTERN } from '../../src/ports/log/claim-transport.js';
import { claimOf, EPOCH } from './claims.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from './embedded.js';
import { SetTimers } from './flow.js';
import { RecordingDatabase } from './recording-database.js';

/** The real database, whose connection a test can cut. */
export class FaultyDatabase extends RecordingDatabase {
  transactions = 0;
  /** Called with the number of the transaction, from 1, before it starts; may throw. */
  before: (count: number) => void | Promise<void> = () => undefined;
  /** Called inside the transaction, after the work and before the commit; may throw. */
  beforeCommit: () => void = () => undefined;
  /** Called after the commit; may throw, as if only the answer were lost. */
  afterCommit: (count: number) => void = () => undefined;

  /** Called before each read outside a transaction; may throw. */
  beforeRead: () => void = () => undefined;

  override async read<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    this.beforeRead();
    return super.read(work);
  }

  override async transaction<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    const count = (this.transactions += 1);
    await this.before(count);
    const result = await super.transaction(async (unit) => {
      const done = await work(unit);
      this.beforeCommit();
      return done;
    });
    this.afterCommit(count);
    return result;
  }
}

export function failure(kind: DatabaseErrorKind, message = 'injected'): DatabaseError {
  return new DatabaseError(kind, `TEST_${kind.toUpperCase()}`, message);
}

/** The embedded adapters, campaign `default` open under `EPOCH`, and a consumer with short waits. */
export interface ConsumerStack extends EmbeddedStack {
  readonly pass: GatePass;
  readonly faults: FaultyDatabase;
  readonly persistence: ClaimPersistence;
  readonly registry: MetricsRegistry;
  readonly foreign: ForeignClaims;
  readonly consumer: ClaimBatchConsumer;
  /** Of the log of what is quarantined. */
  readonly timers: SetTimers;
  /** Gives a batch to the consumer, as a transport would. */
  deliver(records: readonly LogRecord[], transport?: Partial<Transport>): Promise<ClaimBatchContext>;
}

interface Transport {
  heartbeat: () => Promise<void>;
  isRevoked: () => boolean;
  onContext: (context: ClaimBatchContext) => void;
}

/** What turns records of the log into coupons. */
export function persistenceOf({ database, log }: Pick<EmbeddedStack, 'database' | 'log'>): ClaimPersistence {
  return new ClaimPersistence(database, systemClock, new SystemEntropy(), log);
}

export async function openConsumerStack({
  total = 100,
  ...changes
}: Partial<ConsumerSettings> & { total?: number } = {}): Promise<ConsumerStack> {
  const stack = await openEmbeddedStack();
  await storeCampaign(stack, { id: 'default', total });
  return consumerOf(stack, await openEpoch(stack, EPOCH), changes);
}

/** Another process on the same file, which knows nothing of what the first one has read. */
export function openConsumerAgain(stack: ConsumerStack): ConsumerStack {
  return consumerOf(stack, stack.pass);
}

function consumerOf(stack: EmbeddedStack, pass: GatePass, changes: Partial<ConsumerSettings> = {}): ConsumerStack {
  const faults = new FaultyDatabase(stack.database);
  const entropy = new SystemEntropy();
  const persistence = new ClaimPersistence(faults, systemClock, entropy, stack.log);
  const registry = new MetricsRegistry();
  const short = { minWaitMs: 1, maxWaitMs: 4, giveUpAfterMs: 100, heartbeatMs: 5 };
  const settings = Object.assign(new ConsumerSettings(), short, changes);
  const metrics = new ConsumerMetrics(registry);
  const foreign = new ForeignClaims(systemClock);
  const timers = new SetTimers();
  const consumer = new ClaimBatchConsumer(
    persistence,
    new ClaimQuarantine(persistence, metrics, systemClock, new QuarantineLog(timers)),
    stack.gate,
    metrics,
    settings,
    systemClock,
    systemTimers,
    entropy,
    foreign,
  );
  return {
    ...stack,
    pass,
    foreign,
    faults,
    persistence,
    registry,
    consumer,
    timers,
    deliver: async (records, transport = {}) => {
      const { heartbeat = () => Promise.resolve(), isRevoked = () => false, onContext } = transport;
      const context = new ClaimBatchContext(CLAIM_EVENT_PATTERN, 0, records.length, heartbeat, isRevoked);
      onContext?.(context);
      await consumer.consume(records, context);
      return context;
    },
  };
}

/** The claims of users `u<first>` to `u<last>`. */
export function claimsOf(first: number, last: number): ClaimEvent[] {
  return Array.from({ length: last - first + 1 }, (_, index) => claimOf(first + index));
}

/** The message at offset `offset`, with a claim or with any bytes. */
export function recordOf(content: LoggedClaim | Uint8Array | string | null, offset: number, partition = 0): LogRecord {
  const value =
    content === null || content instanceof Uint8Array
      ? content
      : Buffer.from(typeof content === 'string' ? content : encodeClaimEvent(content));
  return { topic: CLAIM_EVENT_PATTERN, partition, offset, key: null, value, headers: {} };
}

/** The messages at offsets 0, 1, 2 … of partition 0. */
export function recordsOf(contents: readonly (LoggedClaim | Uint8Array | string | null)[]): LogRecord[] {
  return contents.map((content, offset) => recordOf(content, offset));
}

export function readableOf(event: ClaimEvent, offset = 0, partition = 0): ReadableRecord {
  return { record: { partition, offset }, event };
}

/** A claim as the gate admits it. */
export async function admit({ gate, pass }: ConsumerStack, number: number): Promise<ClaimEvent> {
  const { claimId, campaignId, userId } = claimOf(number);
  const outcome = await gate.claim(pass, { campaignId, userId, claimId, idempotencyDigest: null });
  if (outcome.kind !== 'admitted') throw new Error(`${userId} was not admitted: ${outcome.kind}`);
  return claimOf(number, { sequence: outcome.sequence, claimedAt: outcome.claimedAt });
}

export function isPending({ memory, pass }: ConsumerStack, userId: string): boolean {
  return memory.campaign(pass.epoch, 'default').pending.has(userId);
}

/** All coupons, by sequence. */
export async function coupons({ connection, database }: EmbeddedStack): Promise<Coupon[]> {
  const issued = (await connection.exclusive((runner) =>
    runner.query('SELECT campaign_id AS campaignId, user_id AS userId FROM coupons'),
  )) as ClaimHolder[];
  const rows = await Promise.all(
    issued.map(({ campaignId, userId }) => database.read((unit) => unit.coupons.find(campaignId, userId))),
  );
  return (rows as Coupon[]).sort((a, b) => a.sequence - b.sequence);
}

/** Claims that have become coupons, in the order of the rows. */
export async function issuedClaims({ connection }: EmbeddedStack): Promise<string[]> {
  const rows = (await connection.exclusive((runner) =>
    runner.query('SELECT claim_id AS claimId FROM coupons ORDER BY id'),
  )) as { claimId: string }[];
  return rows.map(({ claimId }) => claimId);
}

/** The campaign's counter of issued coupons, which has to equal the number of its rows. */
export async function issuedCount({ database }: EmbeddedStack, campaignId = 'default'): Promise<number> {
  const campaign = await database.read((unit) => unit.campaigns.find(campaignId));
  const rows = await database.read((unit) => unit.coupons.count(campaignId));
  if (campaign?.issued !== rows) throw new Error(`issued says ${campaign?.issued}, there are ${rows} rows`);
  return rows;
}

/** All failed events, oldest first. */
export async function failedEvents({ database }: EmbeddedStack): Promise<FailedEvent[]> {
  return (await database.read((unit) => unit.failedEvents.list({ limit: 1_000 }))).reverse();
}

export async function statusOf({ database }: EmbeddedStack, { claimId }: ClaimEvent) {
  return (await database.read((unit) => unit.failedEvents.statusesOf([claimId]))).get(claimId);
}

export async function consumed({ registry }: ConsumerStack): Promise<Partial<Record<ConsumedOutcome, number>>> {
  const metric = await registry.getSingleMetric('coupon_consumed_total')?.get();
  return Object.fromEntries(metric?.values.map(({ labels, value }) => [labels['outcome'], value]) ?? []);
}

export function sql<T = unknown>({ connection }: EmbeddedStack, statement: string, ...parameters: unknown[]) {
  return connection.exclusive((runner) => runner.query(statement, parameters)) as Promise<T[]>;
}

/** The transport of the embedded profile. */
export function journalServer({ log }: EmbeddedStack): CustomTransportStrategy {
  return new JournalClaimServer(log);
}
