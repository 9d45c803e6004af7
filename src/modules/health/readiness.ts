import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { type Role } from '../../platform/config/config-parts.js';
import { AppConfig } from '../../platform/config/env.js';
import { TokenVerifier } from '../../platform/identity/tokens/token-verifier.js';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { Admission } from '../gate-watch/admission.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { ForeignClaims } from '../gate-watch/foreign-claims.js';
import { rolesThatWork } from '../gate-watch/role-states.js';
import { serversUp } from '../gate-watch/servers-up.js';

const dependency = z.enum(['up', 'down']);
const role = z.enum(['ready', 'waiting', 'draining']).optional();

export const readinessSchema = z
  .object({
    status: z.enum(['ok', 'degraded', 'unavailable']).meta({
      description: '`unavailable` while the api of this process cannot admit claims, or no role of it can work.',
    }),
    gate: z.object({
      state: z.enum(['open', 'fenced', 'unknown']),
      epoch: z.int().nullable(),
      script: z
        .object({
          version: z.string().nullable().meta({ description: 'Null for one of a version that did not tell it.' }),
          current: z.boolean().meta({ description: 'It is the text of the build that answers.' }),
        })
        .optional()
        .meta({
          description:
            'The text of the gate’s script that is in force while the gate is open, in the distributed profile.',
        }),
    }),
    dependencies: z.object({
      gate: dependency,
      claimLog: dependency,
      database: dependency,
      identity: dependency.optional().meta({
        description:
          'With IDENTITY=jwt: `down` while the keys of the issuer cannot be fetched. Tokens of known keys work.',
      }),
    }),
    roles: z
      .object({ api: role, consumer: role, retry: role } satisfies Record<Role, typeof role>)
      .meta({ description: 'The roles that this process has.' }),
  })
  .meta({ id: 'Readiness' });

export type ReadinessReport = z.infer<typeof readinessSchema>;

/** Says whether this process can take traffic. It asks no server, so that probes add no load to an outage. */
@Injectable()
export class Readiness implements BeforeApplicationShutdown {
  private draining = false;

  constructor(
    private readonly config: AppConfig,
    private readonly watch: EpochWatch,
    private readonly log: ClaimLog,
    private readonly admission: Admission,
    private readonly foreign: ForeignClaims,
    private readonly tokens: TokenVerifier,
  ) {}

  beforeApplicationShutdown(): void {
    this.draining = true;
  }

  report(): ReadinessReport {
    const { state, epoch, script } = this.watch.state;
    const up = serversUp(this.watch, this.log, this.admission);
    const works = rolesThatWork(up, this.admission);
    const roles = [...this.config.roles];
    const working = this.draining ? [] : roles.filter((role) => works[role]);
    // A consumer that stands on one partition works on the others.
    const stands = this.foreign.stoppedPartitions > 0;
    const identity = this.tokens.isOn ? { identity: upOrDown(this.tokens.trouble === null) } : {};
    const allUp = Object.values(up).every(Boolean) && !stands && identity.identity !== 'down';
    // A load balancer sends claims by this answer, so the other roles cannot make up for an api that admits none.
    const unavailable = working.length === 0 || (this.config.roles.has('api') && !works.api);
    return {
      status: unavailable ? 'unavailable' : allUp ? 'ok' : 'degraded',
      gate: { state, epoch, ...(script === null ? {} : { script }) },
      dependencies: {
        gate: upOrDown(up.gate),
        claimLog: upOrDown(up.claimLog),
        database: upOrDown(up.database),
        ...identity,
      },
      roles: Object.fromEntries(
        roles.map((role) => {
          const ready = works[role] && !(role === 'consumer' && stands);
          return [role, this.draining ? 'draining' : ready ? 'ready' : 'waiting'];
        }),
      ),
    };
  }
}

function upOrDown(up: boolean): 'up' | 'down' {
  return up ? 'up' : 'down';
}
