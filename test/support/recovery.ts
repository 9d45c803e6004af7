import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { Global, Module } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { type DataSource } from 'typeorm';
import { type ClaimEvent } from '../../src/domain/claim.js';
import { EmbeddedModule } from '../../src/infrastructure/embedded.module.js';
import { InProcessGateBuilder } from '../../src/infrastructure/in-process-gate/in-process-gate-builder.js';
import { dialectOf } from '../../src/infrastructure/sql/sql-dialect.js';
import { AuditModule } from '../../src/modules/audit/audit.module.js';
import { EpochWatch } from '../../src/modules/gate-watch/epoch-watch.js';
import { TermsAtGate } from '../../src/modules/gate-watch/terms-at-gate.js';
import { WatchedGate } from '../../src/modules/gate-watch/watched-gate.js';
import { GateRebuilder } from '../../src/modules/recovery/gate-rebuilder.js';
import { RebuildProbe, type RebuildStep } from '../../src/modules/recovery/rebuild-probe.js';
import { RecoveryModule } from '../../src/modules/recovery/recovery.module.js';
import { RecoveryService } from '../../src/modules/recovery/recovery.service.js';
import { UnexplainedClaims } from '../../src/modules/recovery/unexplained-claims.js';
import { ConfigModule } from '../../src/platform/config/config.module.js';
import { type Role } from '../../src/platform/config/config-parts.js';
import { parseEnv } from '../../src/platform/config/env.js';
import { systemClock } from '../../src/platform/flow/clock.js';
import { SystemEntropy } from '../../src/platform/flow/entropy.js';
import { systemTimers } from '../../src/platform/flow/timers.js';
import { configureHttp, createFastifyAdapter } from '../../src/platform/http/server/fastify.js';
import { MetricsRegistry } from '../../src/platform/metrics/metrics-registry.js';
import { type Database } from '../../src/ports/database/database.js';
import { passOf } from '../../src/ports/gate/gate-pass.js';
import { type GatePass, type IssuanceGate } from '../../src/ports/gate/issuance-gate.js';
import { AdminTokenOnlyModule } from './callers.js';
import { type EmbeddedStack } from './embedded.js';

/** The in-process gate as a server that several processes share: no builder knows that it is the only process. */
export class SharedGateBuilder extends InProcessGateBuilder {
  override readonly quiesceMs: number = 1;
}

/** Runs the test's function at each step, and remembers the steps. */
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

/** The rebuilder of one process. */
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

export function unexplainedClaimsOf(
  { database, gate }: { readonly database: Database; readonly gate: IssuanceGate },
  watch: EpochWatch,
  clock = systemClock,
): UnexplainedClaims {
  return new UnexplainedClaims(database, new WatchedGate(gate, watch), watch, clock);
}

/** The pass of the epoch that is open by the gate row. @throws if none is open. */
export async function openPass({ database }: Pick<EmbeddedStack, 'database'>): Promise<GatePass> {
  const row = await database.read((unit) => unit.gate.read());
  const pass = passOf(row);
  if (pass === null) throw new Error(`epoch ${row.epoch} is not open`);
  return pass;
}

/** Empties the gate, as a restart of its server with an empty disk would. */
export function wipeGate({ memory }: Pick<EmbeddedStack, 'memory'>): void {
  memory.dropBelow(Number.MAX_SAFE_INTEGER);
}

/** Ends the lease, as if the builder had been silent for longer. */
export async function expireLease({ connection }: Pick<EmbeddedStack, 'connection'>): Promise<void> {
  await connection.exclusive((runner) => runner.query('UPDATE gate SET lease_until = 0'));
}

/** The database's clock stands still until the test restores its mocks. */
export async function stopDatabaseClock({ database }: Pick<EmbeddedStack, 'database'>): Promise<void> {
  const sqlite = dialectOf({ options: { type: 'sqljs' } } as DataSource);
  jest.replaceProperty(sqlite, 'now', String(await database.read((unit) => unit.now())));
}

/** Inserts coupons as the consumer would, and raises the counter. */
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

export interface RecoveryApplication {
  readonly app: NestFastifyApplication;
  /** Closes the application, and removes its directory. */
  close(): Promise<void>;
}

/** The recovery with the embedded adapters, on a directory of its own, in a Nest application not initialised yet. */
export async function openRecoveryApplication(): Promise<RecoveryApplication> {
  const directory = mkdtempSync(join(tmpdir(), 'coupon-'));
  const testing = await Test.createTestingModule({
    imports: [
      ConfigModule.for(parseEnv({ ADMIN_TOKEN })),
      EmbeddedModule.in(directory),
      RegistryModule,
      AdminTokenOnlyModule,
      RecoveryModule,
      AuditModule.for(new Set<Role>(['api'])),
    ],
  }).compile();
  const app = testing.createNestApplication<NestFastifyApplication>(createFastifyAdapter(), {
    bodyParser: false,
    logger: false,
  });
  configureHttp(app);
  const close = async () => {
    await app.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { app, close };
}

/** Starts the recovery as a process does, without a port. */
export async function startRecovery(app: NestFastifyApplication): Promise<void> {
  await app.init();
  await app.get(RecoveryService).start();
}
