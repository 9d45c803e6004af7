import { Logger } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openRecoveryApplication, startRecovery } from '../../../test/support/recovery.js';
import { until } from '../../../test/support/until.js';
import { Entropy } from '../../platform/flow/entropy.js';
import { Database } from '../../ports/database/database.js';
import { GateBuilder } from '../../ports/gate/gate-builder.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { GateReconciler } from './gate-reconciler.js';
import { RecoveryService } from './recovery.service.js';

Logger.overrideLogger(false);

let app: NestFastifyApplication;
let close: () => Promise<void>;

beforeEach(async () => {
  ({ app, close } = await openRecoveryApplication());
});

afterEach(async () => {
  jest.restoreAllMocks();
  await close();
});

const watch = () => app.get(EpochWatch, { strict: false });
const row = () => app.get(Database, { strict: false }).read((unit) => unit.gate.read());
const recovery = () => app.get(RecoveryService, { strict: false });
const reconcile = () => (recovery() as unknown as { reconcile(): Promise<void> }).reconcile();

/** The lines that the recovery logs from now on, with their level. */
function linesOf(kind: RegExp): string[] {
  const lines: string[] = [];
  const { logger } = recovery() as unknown as { logger: Logger };
  for (const level of ['log', 'warn', 'error'] as const) {
    jest.spyOn(logger, level).mockImplementation((text: unknown) => {
      if (kind.test(String(text))) lines.push(`${level} ${String(text)}`);
    });
  }
  return lines;
}

describe('at the start of a process', () => {
  it('an in-process gate is open before anything listens', async () => {
    const campaign = { id: 'default', name: 'default', total: 5, startsAt: 0, endsAt: null, state: 'OPEN' as const };
    await app.get(Database).transaction((unit) => unit.campaigns.insert(campaign));
    await recovery().start();
    const { pass } = watch();
    expect(pass).not.toBeNull();
    if (pass === null) return;
    expect(await app.get(IssuanceGate).ping(pass)).toEqual({ kind: 'ok' });
    expect(await app.get(IssuanceGate).gauge(pass, ['default'])).toMatchObject([{ claimed: 0 }]);
  });

  it('a gate that cannot be rebuilt keeps the process from listening', async () => {
    app.get(GateBuilder).installFence = () => Promise.reject(new Error('out of memory'));
    await expect(recovery().start()).rejects.toThrow('out of memory');
  });
});

describe('while the process runs', () => {
  beforeEach(() => startRecovery(app));

  it('a fence starts a rebuild, and the next epoch is known at once', async () => {
    const { epoch } = await row();
    watch().reportFence(epoch, 'count-mismatch');
    await until('an open epoch', () => watch().pass !== null);
    expect(watch().pass?.epoch).toBeGreaterThan(epoch);
  });

  it('a rebuild that failed is tried again by the watch, without any claim', async () => {
    const { epoch } = await row();
    const builder = app.get(GateBuilder);
    const drop = builder.dropEpochsBelow.bind(builder);
    let failures = 0;
    builder.dropEpochsBelow = (below) => {
      if (failures++ < 2) return Promise.reject(new Error('the gate is away'));
      return drop(below);
    };
    watch().reportFence(epoch, 'meta-missing');
    await until('an open epoch', () => watch().pass !== null);
    expect(failures).toBe(3);
    expect(watch().pass?.epoch).toBeGreaterThan(epoch);
  });

  it('a third epoch in a row that is lost right after its opening is rebuilt after a back-off, which grows', async () => {
    const waits: number[] = [];
    const begunAtOnce: boolean[] = [];
    jest.spyOn(app.get(Entropy, { strict: false }), 'fraction').mockReturnValue(1);
    const { epoch } = await row();
    watch().reportFence(epoch, 'meta-missing');
    for (const lost of [1, 2, 3, 4]) {
      const began = await until(`an open epoch, the ${lost}. time`, () => watch().pass?.epoch);
      const at = performance.now();
      watch().reportFence(began, 'count-mismatch');
      watch().reportFence(began, 'count-mismatch');
      begunAtOnce.push((recovery() as unknown as { rebuilding: Promise<void> | null }).rebuilding !== null);
      await until('the next epoch', async () => (await row()).epoch > began);
      waits.push(performance.now() - at);
    }
    expect(begunAtOnce).toEqual([true, true, false, false]);
    expect(waits[2]).toBeGreaterThanOrEqual(1_000);
    expect(waits[3]).toBeGreaterThanOrEqual(2_000);
  });

  it('a comparison that fails in every round has one line, and one when gate and database are compared again', async () => {
    const lines = linesOf(/compared/);
    const reconciler = app.get(GateReconciler, { strict: false });
    const compared = jest.spyOn(reconciler, 'reconcile').mockRejectedValue(new Error('away'));
    for (let round = 0; round < 3; round++) await reconcile();
    expect(lines).toEqual(['warn gate and database cannot be compared: away']);
    // The database answers again, and the gate is still closed.
    compared.mockResolvedValue(false);
    await reconcile();
    expect(lines).toHaveLength(1);
    compared.mockResolvedValue(true);
    await reconcile();
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/^log gate and database are compared again, after \d+\.\d s$/),
    ]);
  });

  it('a rebuild that fails again and again for one reason has one line of it', async () => {
    const lines = linesOf(/cannot be trusted|could not be rebuilt/);
    jest.spyOn(app.get(Entropy, { strict: false }), 'fraction').mockReturnValue(0);
    const { epoch } = await row();
    const builder = app.get(GateBuilder);
    const drop = builder.dropEpochsBelow.bind(builder);
    let failures = 0;
    builder.dropEpochsBelow = (below) => (failures++ < 3 ? Promise.reject(new Error('the gate is away')) : drop(below));
    watch().reportFence(epoch, 'meta-missing');
    await until('an open epoch', () => watch().pass !== null);
    expect(lines).toEqual([
      `error epoch ${epoch} of the gate cannot be trusted: meta-missing`,
      'error the gate could not be rebuilt: the gate is away',
    ]);
  });

  it('"not open" never closes an epoch that its builder has just opened', async () => {
    const before = await row();
    (watch() as unknown as { notify(epoch: number, signal: string): void }).notify(before.epoch, 'not-open');
    await (recovery() as unknown as { rebuilding: Promise<void> | null }).rebuilding;
    expect(await row()).toEqual(before);
  });

  it('a fence that is met while the process shuts down starts nothing', async () => {
    const before = await row();
    await recovery().beforeApplicationShutdown();
    watch().reportFence(before.epoch, 'count-mismatch');
    expect((recovery() as unknown as { rebuilding: Promise<void> | null }).rebuilding).toBeNull();
    expect(await row()).toEqual(before);
  });
});
