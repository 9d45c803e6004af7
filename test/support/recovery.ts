import { Global, Module } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { type ClaimEvent } from '../../src/domain/claim.js';
import { EmbeddedModule } from '../../src/infrastructure/embedded.module.js';
import { InProcessGateBuilder } from '../../src/infrastructure/in-process-gate/in-process-gate-builder.js';
import { AuditModule } from '../../src/modules/audit/audit.module.js';
import { GateRebuilder } from '../../src/modules/recovery/gate-rebuilder.js';
import { RebuildProbe, type RebuildStep } from '../../src/modules/recovery/rebuild-probe.js';
import { RecoveryModule } from '../../src/modules/recovery/recovery.module.js';
import { RecoveryService } from '../../src/modules/recovery/recovery.service.js';
import { EpochWatch } from '../../src/modules/watch/epoch-watch.js';
import { TermsAtGate } from '../../src/modules/watch/terms-at-gate.js';
import { WatchedGate } from '../../src/modules/watch/watched-gate.js';
import { ConfigModule } from '../../src/platform/config/config.module.js';
import { parseEnv, type Role } from '../../src/platform/config/env.js';
import { systemClock } from '../../src/platform/flow/clock.js';
import { SystemEntropy } from '../../src/platform/flow/entropy.js';
import { systemTimers } from '../../src/platform/flow/timers.js';
import { configureHttp, createFastifyAdapter } from '../../src/platform/http/server/fastify.js';
import { MetricsRegistry } from '../../src/platform/metrics/metrics-registry.js';
import { type Database } from '../../src/ports/database/database.js';
import { type GatePass, type IssuanceGate } from '../../src/ports/gate/issuance-gate.js';
import { type EmbeddedStack } from './embedded.js';

/** The in-process gate as several processes would meet one server: nobody knows that nobody else lives. */
export class SharedGateBuilder extends InProcessGateBuilder {
  override readonly quiesceMs: number = 1;
}

/** Runs what a test has hung on a step, and remembers the steps. */
export class StepProbe extends RebuildProbe {
  readonly steps: RebuildStep[] = [];
  epoch = 0;
  private readonly actions = new Map<RebuildStep, () => Promise<unknown>>();

  at(step: RebuildStep, action: () => Promise<unknown>): this {
    this.actions.set(step, action);
    return this;
  }

  override async after(step: RebuildStep, epoch: number): Promise<void> {
    this.steps.push(step);
    this.epoch = epoch;
    await this.actions.get(step)?.();
  }
}

/** A rebuilder as each process has one of its own. */
export function rebuilderOf(
  stack: EmbeddedStack,
  { probe, builder = stack.builder }: { probe?: RebuildProbe; builder?: InProcessGateBuilder } = {},
): GateRebuilder {
  return new GateRebuilder(
    stack.database,
    stack.gate,
    builder,
    stack.log,
    systemClock,
    systemTimers,
    new SystemEntropy(),
    probe,
  );
}

export function watchOf(
  { database, gate }: { readonly database: Database; readonly gate: IssuanceGate },
  clock = systemClock,
): EpochWatch {
  return new EpochWatch(database, gate, clock, systemTimers);
}

export function termsAtGateOf(
  { database, gate }: { readonly database: Database; readonly gate: IssuanceGate },
  watch: EpochWatch,
): TermsAtGate {
  return new TermsAtGate(database, new WatchedGate(gate, watch), watch);
}

/** The pass of the epoch that the gate row names as open; throws when there is none. */
export async function openPass({ database }: Pick<EmbeddedStack, 'database'>): Promise<GatePass> {
  const { epoch, fence } = await database.read((unit) => unit.gate.read());
  if (fence === null) throw new Error(`epoch ${epoch} is not open`);
  return { epoch, fence };
}

/** As after a restart of the gate's server with an empty disk. */
export function wipeGate({ memory }: Pick<EmbeddedStack, 'memory'>): void {
  memory.dropBelow(Number.MAX_SAFE_INTEGER);
}

/** As if the builder had been silent for longer than its lease. */
export async function expireLease({ connection }: Pick<EmbeddedStack, 'connection'>): Promise<void> {
  await connection.exclusive((runner) => runner.query('UPDATE gate SET lease_until = 0'));
}

/** Coupons as the consumer would have inserted them, counter included. */
export async function issueCoupons({ database }: Pick<EmbeddedStack, 'database'>, claims: ClaimEvent[]): Promise<void> {
  const page = 500;
  for (let first = 0; first < claims.length; first += page) {
    const chunk = claims.slice(first, first + page);
    await database.transaction(async (unit) => {
      await unit.coupons.insert(
        chunk.map((claim) => ({ ...claim, code: `code-${claim.claimId}`, createdAt: claim.claimedAt })),
      );
      for (const campaignId of new Set(chunk.map((claim) => claim.campaignId))) {
        const own = chunk.filter((claim) => claim.campaignId === campaignId);
        const latest = Math.max(...own.map(({ claimedAt }) => claimedAt));
        await unit.campaigns.addIssued(campaignId, own.length, latest);
      }
    });
  }
}

@Global()
@Module({ providers: [MetricsRegistry], exports: [MetricsRegistry] })
class RegistryModule {}

/** The admin token of `recoveryApplication`. */
export const ADMIN_TOKEN = 'a-token-of-20-chars!';

/** The recovery with the embedded adapters in a Nest application that has not been initialised yet. */
export async function recoveryApplication(directory: string): Promise<NestFastifyApplication> {
  const testing = await Test.createTestingModule({
    imports: [
      ConfigModule.for(parseEnv({ ADMIN_TOKEN })),
      EmbeddedModule.in(directory),
      RegistryModule,
      RecoveryModule,
      AuditModule.for(new Set<Role>(['api'])),
    ],
  }).compile();
  const app = testing.createNestApplication<NestFastifyApplication>(createFastifyAdapter(), {
    bodyParser: false,
    logger: false,
  });
  configureHttp(app);
  return app;
}

/** As a process starts it, without its port. */
export async function startRecovery(app: NestFastifyApplication): Promise<void> {
  await app.init();
  await app.get(RecoveryService).start();
}
