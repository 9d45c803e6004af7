import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { Admission } from '../gate-watch/admission.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { type Dependency, serversUp } from '../gate-watch/servers-up.js';

/** How late a change is noticed, ms. It asks no server: the process knows from its own work how they are. */
const INTERVAL_MS = 1_000;

export interface DependencyState {
  readonly up: boolean;
  /** Since when, as this process has noticed; at the earliest its own start. ms since the Unix epoch. */
  readonly since: number;
}

/** Since when this process can work with each server, or cannot. */
@Injectable()
export class DependencyStates implements BeforeApplicationShutdown {
  private readonly states = new Map<Dependency, DependencyState>();
  private readonly looks: PeriodicTask;

  constructor(
    private readonly watch: EpochWatch,
    private readonly log: ClaimLog,
    private readonly admission: Admission,
    private readonly clock: Clock,
    timers: Timers,
  ) {
    this.looks = new PeriodicTask(timers, INTERVAL_MS, () => this.look());
  }

  start(): void {
    this.look();
    this.looks.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.looks.stop();
  }

  of(dependency: Dependency): DependencyState {
    this.look();
    return this.states.get(dependency) as DependencyState;
  }

  /** What this process has met at its last try; null while the server is up, or where the reason is not kept. */
  troubleOf(dependency: Dependency): string | null {
    if (dependency === 'gate') return this.watch.state.gateTrouble;
    return dependency === 'claimLog' ? this.log.trouble : this.admission.storeTrouble;
  }

  /** As readiness judges them. */
  private look(): void {
    const servers = serversUp(this.watch, this.log, this.admission);
    for (const dependency of Object.keys(servers) as Dependency[]) this.note(dependency, servers[dependency]);
  }

  private note(dependency: Dependency, up: boolean): void {
    if (this.states.get(dependency)?.up === up) return;
    this.states.set(dependency, { up, since: Math.round(this.clock.wall()) });
  }
}
