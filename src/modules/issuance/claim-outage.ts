import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../platform/config/env.js';
import { Clock } from '../../platform/flow/clock.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { Admission } from '../watch/admission.js';

/** How often an outage is looked at, ms. */
const LOOK_MS = 500;
/** An obstacle that nobody has run into yet is an outage after this time, ms: a start takes some of it. */
const NOTICED_AFTER_MS = 5_000;
/** An outage is over when no claim was answered 503 for this long, ms: at the edge of a limit it would come and go. */
const QUIET_MS = 5_000;

interface Outage {
  readonly since: number;
  /** Claims that were answered 503. */
  refused: number;
  lastRefusedAt: number;
}

/**
 * One line of the log when claims begin to be answered 503, with the cause, and one when they no longer are, however many
 * there were. It looks by itself, too: a balancer that has taken this process out sends no more claims.
 */
@Injectable()
export class ClaimOutage implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ClaimOutage.name);
  private outage: Outage | null = null;
  /** Since when there is an obstacle, monotonic, ms. */
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

  /** A claim is answered 503. @param cause in plain words, where there is no obstacle that would explain it. */
  refused(cause: string): void {
    const now = this.clock.monotonic();
    this.outage ??= this.begin(now, this.admission.obstacle ?? cause);
    this.outage.refused += 1;
    this.outage.lastRefusedAt = now;
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
    if (obstacle !== null || now - this.outage.lastRefusedAt < QUIET_MS) return;
    const { since, refused } = this.outage;
    const seconds = Math.max(1, Math.round((now - since) / 1_000));
    this.logger.log(`claims are taken again after ${seconds} s; ${refused} were answered 503`);
    this.outage = null;
  }

  private begin(since: number, cause: string): Outage {
    this.logger.error(`claims are answered 503: ${cause}`);
    return { since, refused: 0, lastRefusedAt: Number.NEGATIVE_INFINITY };
  }
}
