import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type EmbeddedStack, openEmbeddedStack, storeCampaign } from '../../../test/support/embedded.js';
import {
  expireLease,
  openPass,
  rebuilderOf,
  SharedGateBuilder,
  stopDatabaseClock,
  termsAtGateOf,
  unexplainedClaimsOf,
  watchOf,
  wipeGate,
} from '../../../test/support/recovery.js';
import { until } from '../../../test/support/until.js';
import { systemClock } from '../../platform/flow/clock.js';
import { SystemEntropy } from '../../platform/flow/entropy.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { QuietCampaigns } from '../gate-watch/quiet-campaigns.js';
import { StoredCampaignIds } from '../gate-watch/stored-campaign-ids.js';
import { LEASE_MS } from './builder-lease.js';
import { GateRebuilder } from './gate-rebuilder.js';
import { GateReconciler } from './gate-reconciler.js';
import { RecoveryMetrics } from './recovery.metrics.js';
import { RecoveryService } from './recovery.service.js';

Logger.overrideLogger(false);

/** Every back-off is 0 ms: a process that failed tries again with its watch's next beat. */
class NoBackOff extends SystemEntropy {
  override fraction(): number {
    return 0;
  }
}

interface Process {
  readonly watch: EpochWatch;
  readonly recovery: RecoveryService;
  /** How often its builds have reached the log. */
  builds(): number;
}

let stack: EmbeddedStack;
let processes: Process[];

beforeEach(async () => {
  stack = await openEmbeddedStack();
  processes = [];
});

afterEach(async () => {
  jest.restoreAllMocks();
  for (const { recovery, watch } of processes) {
    await recovery.beforeApplicationShutdown();
    await watch.onApplicationShutdown();
  }
  await stack.close();
});

/** The recovery of one process of several; the log refuses one that is not `healthy`. */
function addProcess({ healthy }: { healthy: boolean }): Process {
  const { database, gate, memory } = stack;
  const builder = new SharedGateBuilder(memory);
  const log = Object.create(stack.log) as typeof stack.log;
  let builds = 0;
  log.committedOffsets = () => {
    builds += 1;
    return healthy ? stack.log.committedOffsets() : Promise.reject(new Error('SASL authentication failed'));
  };
  const watch = watchOf(stack);
  const metrics = new RecoveryMetrics(new MetricsRegistry(), watch);
  const terms = termsAtGateOf(stack, watch);
  const recovery = new RecoveryService(
    watch,
    builder,
    new GateRebuilder(database, gate, builder, log, systemClock, systemTimers, new SystemEntropy()),
    new GateReconciler(
      database,
      gate,
      watch,
      metrics,
      terms,
      new StoredCampaignIds(),
      unexplainedClaimsOf(stack, watch),
      new QuietCampaigns(),
    ),
    database,
    systemClock,
    new NoBackOff(),
    systemTimers,
  );
  const process = { watch, recovery, builds: () => builds };
  processes.push(process);
  return process;
}

describe('processes that cannot build', () => {
  it.each([1, 3])(
    'let the healthy one have its turn after one failure each, when there are %i of them',
    async (count) => {
      await storeCampaign(stack, { id: 'default' });
      await rebuilderOf(stack, { builder: new SharedGateBuilder(stack.memory) }).rebuild(0);
      const { epoch } = await openPass(stack);
      // The database's clock stands still: a process that stalls must not see the time pass in which it stands back.
      await stopDatabaseClock(stack);
      const failing = Array.from({ length: count }, () => addProcess({ healthy: false }));
      const healthy = addProcess({ healthy: true });
      // They ask in the order in which they are started, in every round: the healthy one last.
      for (const { recovery } of processes) await recovery.start();
      wipeGate(stack);
      failing[0]?.watch.reportFence(epoch, 'fence-missing');

      await until('an open gate', () => (healthy.watch.pass?.epoch ?? 0) > epoch);

      expect(failing[0]?.builds()).toBe(1);
      // A process that has failed lets those go first that have not, so none fails twice before the healthy one has
      // built.
      for (const { builds } of failing) expect(builds()).toBeLessThanOrEqual(1);
      expect(healthy.builds()).toBe(1);
    },
  );

  it('go on counting their failures while another one builds, and start from 0 after an epoch was open', async () => {
    const { recovery, watch, builds } = addProcess({ healthy: false });
    const inside = recovery as unknown as { failures: number; rebuilding: Promise<void> | null };
    const row = () => stack.database.read((unit) => unit.gate.read());
    const findNotOpen = async () => {
      (watch as unknown as { notify(epoch: number, signal: string): void }).notify((await row()).epoch, 'not-open');
      await inside.rebuilding;
    };
    await findNotOpen();
    expect([builds(), inside.failures]).toEqual([1, 1]);

    const next = (await row()).epoch + 1;
    await stack.database.transaction((unit) => unit.gate.beginEpoch('elsewhere', next, LEASE_MS));
    await findNotOpen();
    expect([builds(), inside.failures]).toEqual([1, 1]);

    await expireLease(stack);
    await findNotOpen();
    expect([builds(), inside.failures]).toEqual([2, 2]);

    watch.reportFence((await row()).epoch, 'meta-missing');
    expect(inside.failures).toBe(0);
    await inside.rebuilding;
  });
});
