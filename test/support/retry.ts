import { type DynamicModule, Global, Module } from '@nestjs/common';
import { ulid } from 'ulid';
import { type ClaimEvent } from '../../src/domain/claim.js';
import { InProcessIssuanceGate } from '../../src/infrastructure/in-process-gate/in-process-issuance-gate.js';
import { type DiscardedSlots } from '../../src/modules/gate-watch/discarded-slots.js';
import { type EpochWatch } from '../../src/modules/gate-watch/epoch-watch.js';
import { QuietCampaigns } from '../../src/modules/gate-watch/quiet-campaigns.js';
import { FailedEventDrainer } from '../../src/modules/retry/failed-event-drainer.js';
import { PendingSweeper } from '../../src/modules/sweeper/pending-sweeper.js';
import { systemClock } from '../../src/platform/flow/clock.js';
import { SystemEntropy } from '../../src/platform/flow/entropy.js';
import { systemTimers, type Timers } from '../../src/platform/flow/timers.js';
import { Database, type UnitOfWork } from '../../src/ports/database/database.js';
import { type FailedEvent } from '../../src/ports/database/failed-event-store.js';
import { type GatePass, GateTimeoutError, type IssuanceGate } from '../../src/ports/gate/issuance-gate.js';
import { UnwatchedGate } from '../../src/ports/gate/unwatched-gate.js';
import { ClaimLog, type LogOffsets, type LogRecord, type OutgoingClaim } from '../../src/ports/log/claim-log.js';
import { EPOCH } from './claims.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from './embedded.js';
import { RecordingDatabase } from './recording-database.js';
import { watchOf } from './recovery.js';

export const CAMPAIGN = 'drop';

/** The embedded adapters with one open campaign. */
export interface RetryStack extends EmbeddedStack {
  readonly pass: GatePass;
  readonly watch: EpochWatch;
}

export async function openRetryStack(total = 10): Promise<RetryStack> {
  const stack = await openEmbeddedStack();
  await storeCampaign(stack, { id: CAMPAIGN, total });
  const pass = await openEpoch(stack, EPOCH);
  return { ...stack, pass, watch: watchOf(stack) };
}

/** The ports of the embedded adapters, as infrastructure provides them to a module. */
export function portsModuleOf({ database, gate, log }: RetryStack): DynamicModule {
  @Global()
  @Module({})
  class PortsModule {}
  const providers = [
    { provide: Database, useValue: database },
    { provide: UnwatchedGate, useValue: gate },
    { provide: ClaimLog, useValue: log },
  ];
  return { module: PortsModule, providers, exports: providers };
}

/** The drainer of one process. */
export function drainerOf(database: Database, log: ClaimLog, timers: Timers = systemTimers): FailedEventDrainer {
  return new FailedEventDrainer(database, log, systemClock, timers, new SystemEntropy());
}

/** The sweeper of one process. */
export function sweeperOf(
  { database, watch, log }: RetryStack,
  gate: IssuanceGate,
  slots: DiscardedSlots,
): PendingSweeper {
  return new PendingSweeper(database, gate, watch, log, slots, new QuietCampaigns(), systemClock);
}

/** A claim that the gate has admitted and that is not durable yet. */
export async function admit({ gate, pass }: RetryStack, userId: string): Promise<ClaimEvent> {
  const request = { campaignId: CAMPAIGN, userId, claimId: ulid(), idempotencyDigest: null };
  const outcome = await gate.claim(pass, request);
  if (outcome.kind !== 'admitted') throw new Error(`${userId} was not admitted: ${outcome.kind}`);
  const { sequence, claimedAt } = outcome;
  return { ...request, sequence, claimedAt, epoch: pass.epoch };
}

export async function rowOf({ database }: RetryStack, { claimId }: ClaimEvent): Promise<FailedEvent | undefined> {
  return (await database.read((unit) => unit.failedEvents.findByClaimIds([claimId])))[0];
}

/** `rowOf` for a claim that must have a row. */
export async function knownRowOf(stack: RetryStack, claim: ClaimEvent): Promise<FailedEvent> {
  const row = await rowOf(stack, claim);
  if (row === undefined) throw new Error(`${claim.userId} has no failed event`);
  return row;
}

export function couponOf({ database }: RetryStack, { campaignId, userId }: ClaimEvent) {
  return database.read((unit) => unit.coupons.find(campaignId, userId));
}

export function sql<T = unknown>({ connection }: RetryStack, statement: string, ...parameters: unknown[]) {
  return connection.exclusive((runner) => runner.query(statement, parameters)) as Promise<T[]>;
}

/** Ends every row's waiting time: its lease, its back-off or its confirmation. */
export async function letTimePass(stack: RetryStack): Promise<void> {
  await sql(
    stack,
    'UPDATE failed_events SET next_attempt_at = 1, lease_until = CASE WHEN lease_until IS NULL THEN NULL ELSE 1 END',
  );
}

/** Makes a claim look as if it was admitted this many ms earlier. */
export function makeOlder({ memory, pass }: RetryStack, { userId, claimedAt }: ClaimEvent, ms: number): void {
  memory.campaign(pass.epoch, CAMPAIGN).pending.set(userId, claimedAt - ms);
}

export function isPending({ memory, pass }: RetryStack, { userId }: ClaimEvent): boolean {
  return memory.campaign(pass.epoch, CAMPAIGN).pending.has(userId);
}

/** How many slots are taken. */
export async function claimed({ gate, pass }: RetryStack): Promise<number> {
  const [gauge] = await gate.gauge(pass, [CAMPAIGN]);
  if (gauge?.kind !== 'gauge') throw new Error('the campaign is fenced');
  return gauge.claimed;
}

/** The real log, whose connection a test can cut. */
export class InterruptibleClaimLog extends ClaimLog {
  away = false;
  readonly full = false;
  /** Awaited before each publish. */
  beforePublish: (event: OutgoingClaim) => Promise<void> = () => Promise.resolve();
  /** Awaited after each reading of the end offsets. */
  afterEndOffsets: () => Promise<void> = () => Promise.resolve();

  constructor(private readonly log: ClaimLog) {
    super();
  }

  async publish(event: OutgoingClaim): Promise<void> {
    await this.beforePublish(event);
    return this.log.publish(event);
  }

  async endOffsets(): Promise<LogOffsets> {
    const end = await this.log.endOffsets();
    await this.afterEndOffsets();
    return end;
  }

  startOffsets(): Promise<LogOffsets> {
    return this.log.startOffsets();
  }

  committedOffsets(): Promise<LogOffsets> {
    return this.log.committedOffsets();
  }

  read(from: LogOffsets, to: LogOffsets): AsyncIterable<readonly LogRecord[]> {
    return this.log.read(from, to);
  }

  drain(): Promise<void> {
    return this.log.drain();
  }
}

/** The real database. A test decides what happens between its units of work. */
export class InterruptibleDatabase extends RecordingDatabase {
  /** Awaited before each unit of work with its number, from 1; may throw. */
  before: (kind: 'transaction' | 'read', count: number) => Promise<void> = () => Promise.resolve();
  private readonly counts = { transaction: 0, read: 0 };

  override async transaction<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    await this.before('transaction', (this.counts.transaction += 1));
    return super.transaction(work);
  }

  override async read<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    await this.before('read', (this.counts.read += 1));
    return super.read(work);
  }
}

/** The gate, with a clock that a test moves and a connection that it can cut. */
export class SteeredGate extends InProcessIssuanceGate {
  /** How often `release` was called. */
  releases = 0;
  /** While true, `release` gets no answer. */
  away = false;
  offsetMs = 0;
  /** Awaited after each reading of pending entries. */
  afterPending: () => Promise<void> = () => Promise.resolve();

  override now(): Promise<number> {
    return Promise.resolve(Date.now() + this.offsetMs);
  }

  override async pendingBefore(...parameters: Parameters<InProcessIssuanceGate['pendingBefore']>) {
    const entries = await super.pendingBefore(...parameters);
    await this.afterPending();
    return entries;
  }

  override release(...parameters: Parameters<InProcessIssuanceGate['release']>) {
    this.releases += 1;
    return this.away ? Promise.reject(new GateTimeoutError('no answer')) : super.release(...parameters);
  }
}
