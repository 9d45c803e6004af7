import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../platform/config/env.js';
import { Clock } from '../../platform/flow/clock.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { Admission } from '../gate-watch/admission.js';

/** How often it checks for an outage, ms. */
const LOOK_MS = 500;
/** After this time an obstacle counts as an outage, ms, even if no claim has met it. A start takes a part of it. */
const NOTICED_AFTER_MS = 5_000;
/**
 * An outage is over when no claim was answered 503 for this time, ms; near a limit it would otherwise come and go. The line
 * of its end comes later by this time, and the length in it leaves this time out.
 */
const QUIET_MS = 5_000;

interface Outage {
  readonly since: number;
  /** Claims that were answered 503. */
  refused: number;
  lastRefusedAt: number;
  /** When a claim was answered 503, or an obstacle was seen, for the last time: monotonic, ms. */
  lastSeenAt: number;
}

/**
 * Logs one line with the cause when the api begins to answer claims 503, and one line when that is over. It also checks
 * by itself, because a load balancer that has taken this process out sends no more claims.
 */
@Injectable()
export class ClaimOutage implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ClaimOutage.name);
  private outage: Outage | null = null;
  /** When the obstacle was first seen, monotonic, ms; null without one. */
  private obstacleSince: number | null = null;
  private readonly looks: PeriodicTask;

  constructor(
    private readonly config: AppConfig,
    private readonly admission: Admission,
    private readonly clock: Clock,
    timers: Timers,
  ) {
    this.looks = new PeriodicTask(timers, LOOK_MS, () => this.look());
  }

  onApplicationBootstrap(): void {
    if (this.config.roles.has('api')) this.looks.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.looks.stop();
  }

  /**
   * Call it for each claim that is answered 503.
   * @param cause in plain words; logged when there is no obstacle that explains the 503.
   */
  refused(cause: string): void {
    const now = this.clock.monotonic();
    this.outage ??= this.begin(now, this.admission.obstacle ?? cause);
    this.outage.refused += 1;
    this.outage.lastRefusedAt = now;
    this.outage.lastSeenAt = now;
  }

  look(): void {
    const now = this.clock.monotonic();
    const { obstacle } = this.admission;
    if (obstacle === null) this.obstacleSince = null;
    else this.obstacleSince ??= now;
    if (this.outage === null) {
      if (obstacle === null || now - (this.obstacleSince ?? now) < NOTICED_AFTER_MS) return;
      this.outage = this.begin(this.obstacleSince ?? now, obstacle);
      return;
    }
    if (obstacle !== null) this.outage.lastSeenAt = now;
    if (obstacle !== null || now - this.outage.lastRefusedAt < QUIET_MS) return;
    const { since, refused, lastSeenAt } = this.outage;
    const seconds = Math.max(1, Math.round((lastSeenAt - since) / 1_000));
    this.logger.log(`claims are taken again after ${seconds} s; ${refused} were answered 503`);
    this.outage = null;
  }

  private begin(since: number, cause: string): Outage {
    this.logger.error(`claims are answered 503: ${cause}`);
    return { since, refused: 0, lastRefusedAt: Number.NEGATIVE_INFINITY, lastSeenAt: this.clock.monotonic() };
  }
}
