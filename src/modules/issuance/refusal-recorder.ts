import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type ClaimRefusal } from '../../domain/refusals.js';
import { AppConfig } from '../../platform/config/env.js';
import { Clock } from '../../platform/flow/clock.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { putNewest } from '../../platform/values/put-newest.js';
import { inCaseOfCollision } from '../../ports/database/collision.js';
import { Database } from '../../ports/database/database.js';
import { type Refusal } from '../../ports/database/refusal-store.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';

/** How often noted refusals are stored, ms. */
const FLUSH_MS = 1_000;
/** Rows of one transaction: the embedded database runs in the event loop, and claims wait during a transaction. */
const ROWS_AT_ONCE = 500;
/** Refusals that were noted lately, so that a user who asks again and again is noted once. */
const MAX_KNOWN = 20_000;
/** The most rows of the table. Callers can invent users, and the table must not fill the disk. */
const MAX_STORED = 2_000_000;
/** How often the size of the table is looked at, ms. */
const LOOK_MS = 60_000;

/**
 * What is worth keeping: why this user got nothing. Not `already-claimed`, because that user has a claim, and not
 * `campaign-not-found`, because callers can invent campaigns.
 */
const KEPT: ReadonlySet<ClaimRefusal> = new Set<ClaimRefusal>([
  'campaign-not-started',
  'campaign-paused',
  'campaign-closed',
  'campaign-ended',
  'sold-out',
  'issuer-unavailable',
  'claim-unconfirmed',
]);

/**
 * Keeps the first refusal of each kind that a user gets in a campaign, so that support can tell why. It works beside the
 * hot path: `note` only remembers, and a task stores what was noted once a second. No promise rests on it: beyond its
 * limits, and while the database is away, refusals are shed and counted.
 */
@Injectable()
export class RefusalRecorder implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly outage: OutageLog;
  private readonly task: PeriodicTask;
  /** Noted and not stored yet. */
  private noted: Refusal[] = [];
  private readonly known = new Map<string, true>();
  /** How many may still be noted until the next flush. */
  private left: number;
  /** The gate's clock minus this process's, ms. */
  private gateOffset = 0;
  private full = false;
  private lookedAt = Number.NEGATIVE_INFINITY;
  /** Refusals that were not kept since the start. */
  shed = 0;

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly config: AppConfig,
    private readonly clock: Clock,
    timers: Timers,
  ) {
    this.left = config.refusalsKeptPerSecond;
    this.outage = new OutageLog(new Logger(RefusalRecorder.name), clock, 'warn');
    this.task = new PeriodicTask(timers, FLUSH_MS, () => this.flush());
  }

  onApplicationBootstrap(): void {
    if (this.config.refusalsKeptPerSecond > 0) this.task.start();
  }

  /** Before the connections to the database close. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.task.stop();
    await this.flush();
  }

  /** Takes less than a microsecond once the limit of the second is reached. */
  note(campaignId: string, userId: string, code: ClaimRefusal, requestId: string): void {
    if (!KEPT.has(code)) return;
    if (this.left === 0) {
      this.shed += 1;
      return;
    }
    const key = `${campaignId} ${userId} ${code}`;
    if (this.known.has(key)) return;
    putNewest(this.known, key, true, MAX_KNOWN);
    this.left -= 1;
    this.noted.push({ campaignId, userId, code, refusedAt: this.clock.wall() + this.gateOffset, requestId });
  }

  /** Stores what was noted. Never rejects. */
  async flush(): Promise<void> {
    const { noted } = this;
    this.noted = [];
    let stored = 0;
    try {
      if (noted.length > 0 && !(await this.isFull())) {
        for (; stored < noted.length; stored += ROWS_AT_ONCE) {
          const rows = noted.slice(stored, stored + ROWS_AT_ONCE);
          await inCaseOfCollision('infrastructure', () =>
            this.database.transaction((unit) => unit.refusals.insertMissing(rows)),
          );
        }
        this.outage.recovered('refusals are kept again');
        this.gateOffset = await this.readGateOffset();
      }
    } catch (error) {
      this.outage.failed(`refusals are not kept, so support cannot tell their users why: ${(error as Error).message}`);
      // Their users are noted once more when they ask again.
      this.known.clear();
    }
    this.shed += Math.max(0, noted.length - stored);
    this.left = this.config.refusalsKeptPerSecond;
  }

  private async isFull(): Promise<boolean> {
    const now = this.clock.monotonic();
    if (now - this.lookedAt < LOOK_MS) return this.full;
    this.full = (await this.database.read((unit) => unit.refusals.countAtMost())) >= MAX_STORED;
    this.lookedAt = now;
    return this.full;
  }

  /** Instants of claims are the gate's. With the same clock, support can compare a refusal with the last claim. */
  private async readGateOffset(): Promise<number> {
    try {
      return (await this.gate.now()) - this.clock.wall();
    } catch {
      return this.gateOffset;
    }
  }
}
