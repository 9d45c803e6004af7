import { Injectable } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { AppConfig } from '../../platform/config/env.js';
import { type ProcessHealth } from '../../ports/live/process-board.js';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { Admission } from './admission.js';
import { EpochWatch } from './epoch-watch.js';
import { ForeignClaims } from './foreign-claims.js';
import { type Dependency, serversUp } from './servers-up.js';

/** Which roles could work with these servers. */
export function rolesThatWork(up: Record<Dependency, boolean>, admission: Admission): Record<Role, boolean> {
  return {
    // The api needs the gate, and the log or the database: without the log it stores claims in the database.
    api: admission.obstacle === null,
    consumer: up.claimLog && up.database,
    retry: up.database,
  };
}

/** How the roles of this process are, for the other processes. Readiness judges in the same way. */
@Injectable()
export class RoleStates {
  constructor(
    private readonly config: AppConfig,
    private readonly watch: EpochWatch,
    private readonly log: ClaimLog,
    private readonly admission: Admission,
    private readonly foreign: ForeignClaims,
  ) {}

  read(): ProcessHealth {
    const works = rolesThatWork(serversUp(this.watch, this.log, this.admission), this.admission);
    const foreignPartitions = this.foreign.stoppedPartitions;
    const roles: Record<string, 'ready' | 'waiting'> = {};
    for (const role of this.config.roles) {
      // A consumer that stands before a foreign claim works on its other partitions alone.
      const stands = role === 'consumer' && foreignPartitions > 0;
      roles[role] = works[role] && !stands ? 'ready' : 'waiting';
    }
    return { roles, foreignPartitions };
  }
}
