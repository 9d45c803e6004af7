import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { AppConfig, type Role } from '../../platform/config/env.js';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { Admission } from '../watch/admission.js';
import { EpochWatch } from '../watch/epoch-watch.js';

const dependency = z.enum(['up', 'down']);
const role = z.enum(['ready', 'waiting', 'draining']).optional();

export const readinessSchema = z
  .object({
    status: z.enum(['ok', 'degraded', 'unavailable']).meta({
      description: '`unavailable` while the api of this process cannot admit claims, or no role of it can work.',
    }),
    gate: z.object({ state: z.enum(['open', 'fenced', 'unknown']), epoch: z.int().nullable() }),
    dependencies: z.object({ gate: dependency, claimLog: dependency, database: dependency }),
    roles: z
      .object({ api: role, consumer: role, retry: role } satisfies Record<Role, typeof role>)
      .meta({ description: 'The roles that this process has.' }),
  })
  .meta({ id: 'Readiness' });

export type ReadinessReport = z.infer<typeof readinessSchema>;

/** Says whether traffic should come here. Built from what is known already: a probe must not add load to an outage. */
@Injectable()
export class Readiness implements BeforeApplicationShutdown {
  private draining = false;

  constructor(
    private readonly config: AppConfig,
    private readonly watch: EpochWatch,
    private readonly log: ClaimLog,
    private readonly admission: Admission,
  ) {}

  beforeApplicationShutdown(): void {
    this.draining = true;
  }

  report(): ReadinessReport {
    const { state, epoch, gateTrouble } = this.watch.state;
    const up = {
      gate: state === 'open' && gateTrouble === null,
      claimLog: !this.log.away,
      database: !this.admission.storeAway,
    };
    // The api needs only the gate: without the log it stores claims in the database, without the database on the log.
    const works: Record<Role, boolean> = {
      api: this.admission.obstacle === null,
      consumer: up.claimLog && up.database,
      retry: up.database,
    };
    const roles = [...this.config.roles];
    const working = this.draining ? [] : roles.filter((role) => works[role]);
    const allUp = Object.values(up).every(Boolean);
    // A balancer sends claims by this answer: what else the process could do does not help them.
    const unavailable = working.length === 0 || (this.config.roles.has('api') && !works.api);
    return {
      status: unavailable ? 'unavailable' : allUp ? 'ok' : 'degraded',
      gate: { state, epoch },
      dependencies: { gate: word(up.gate), claimLog: word(up.claimLog), database: word(up.database) },
      roles: Object.fromEntries(
        roles.map((role) => [role, this.draining ? 'draining' : works[role] ? 'ready' : 'waiting']),
      ),
    };
  }
}

function word(up: boolean): 'up' | 'down' {
  return up ? 'up' : 'down';
}
