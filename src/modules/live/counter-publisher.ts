import { hostname } from 'node:os';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../platform/config/env.js';
import { VERSION } from '../../platform/config/version.js';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy } from '../../platform/flow/entropy.js';
import { EverySecond } from '../../platform/flow/every-second.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { Timers } from '../../platform/flow/timers.js';
import { LiveCounters } from '../../ports/live/live-counters.js';
import { OwnReport } from '../../ports/live/own-report.js';
import { ProcessBoard, type ProcessIdentity, type ProcessReport } from '../../ports/live/process-board.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { RoleStates } from '../gate-watch/role-states.js';

/** A process that counts nothing writes only in every so many seconds: each write goes to the disk of Redis, too. */
const QUIET_EVERY = 2;

/** Shows once a second what this process counts, at the beginning of the second. */
@Injectable()
export class CounterPublisher extends OwnReport implements BeforeApplicationShutdown {
  private readonly process: ProcessIdentity;
  private readonly startedAt: number;
  private readonly seconds: EverySecond;
  private readonly outage: OutageLog;
  /** Seconds since something was counted; at the first one the process shows itself. */
  private quietSeconds = -1;
  private lastInstallation: string | null = null;

  constructor(
    private readonly board: ProcessBoard,
    private readonly counters: LiveCounters,
    private readonly watch: EpochWatch,
    private readonly states: RoleStates,
    private readonly clock: Clock,
    timers: Timers,
    entropy: Entropy,
    { roles }: AppConfig,
  ) {
    super();
    this.startedAt = clock.monotonic();
    this.process = {
      id: entropy.uuid(),
      instance: `${hostname()}:${process.pid}`,
      roles: [...roles],
      version: VERSION,
      startedAt: Math.round(clock.wall()),
    };
    this.outage = new OutageLog(new Logger(CounterPublisher.name), clock);
    this.seconds = new EverySecond(clock, timers, 0, () => this.publish());
  }

  start(): void {
    this.seconds.start();
  }

  /** Whose board is written and read; null until the gate was seen open once. */
  get installation(): string | null {
    this.lastInstallation = this.watch.pass?.installation ?? this.lastInstallation;
    return this.lastInstallation;
  }

  /** What this process would write now. */
  report(): ProcessReport {
    return {
      process: this.process,
      uptimeMs: this.clock.monotonic() - this.startedAt,
      campaigns: this.counters.read(),
      health: this.states.read(),
    };
  }

  /** Never rejects. */
  async publish(): Promise<void> {
    const { installation } = this;
    this.counters.forgetQuiet();
    if (installation === null) return;
    this.quietSeconds = this.counters.isEmpty ? this.quietSeconds + 1 : 0;
    if (this.quietSeconds % QUIET_EVERY !== 0) return;
    try {
      await this.board.write(installation, this.report());
      this.outage.recovered('the counters of this process can be shown again');
    } catch (error) {
      this.outage.failed(`the counters of this process cannot be shown: ${(error as Error).message}`);
    }
  }

  /** Before the connections close. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.seconds.stop();
    const { installation } = this;
    if (installation !== null) await this.board.withdraw(installation, this.process).catch(() => undefined);
  }
}
