import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { SetTimers } from '../../../test/support/flow.js';
import { watchOf } from '../../../test/support/recovery.js';
import { until } from '../../../test/support/until.js';
import { CampaignLabels } from '../../platform/metrics/campaign-labels.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { systemClock } from '../../platform/flow/clock.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { type Campaign } from '../../domain/campaign.js';
import { type GatePass } from '../../ports/gate/issuance-gate.js';
import { KnownDrifts } from '../../ports/live/known-drifts.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { QuietCampaigns } from '../gate-watch/quiet-campaigns.js';
import { CouponCounts } from './coupon-counts.js';
import { DriftMeasurement } from './drift-measurement.js';
import { DriftMetrics } from './drift.metrics.js';
import { type CampaignAudit, PromiseAudit } from './promise-audit.js';

Logger.overrideLogger(false);

let stack: EmbeddedStack;
let audit: PromiseAudit;
let registry: MetricsRegistry;
let metrics: DriftMetrics;
let measurement: DriftMeasurement;
let timers: SetTimers;
let quiet: QuietCampaigns;
let watch: EpochWatch;

beforeEach(async () => {
  stack = await openEmbeddedStack();
  for (const id of ['a', 'b', 'c']) await storeCampaign(stack, { id });
  await openEpoch(stack, 10);
  watch = watchOf(stack);
  await watch.refresh();
  timers = new SetTimers();
  audit = new PromiseAudit(
    stack.database,
    stack.gate,
    watch,
    new CouponCounts(stack.database, systemClock, systemTimers),
  );
  registry = new MetricsRegistry();
  const labels = new CampaignLabels();
  metrics = new DriftMetrics(registry, labels, timers.clock);
  quiet = new QuietCampaigns();
  measurement = new DriftMeasurement(
    stack.database,
    audit,
    metrics,
    watch,
    quiet,
    new KnownDrifts(),
    timers.clock,
    timers,
  );
});

afterEach(async () => {
  jest.restoreAllMocks();
  await stack.close();
});

async function noteQuiet(pass: GatePass, ids: readonly string[]): Promise<void> {
  const gauges = await stack.gate.gauge(pass, ids);
  for (const [index, id] of ids.entries()) {
    const campaign = (await stack.database.read((unit) => unit.campaigns.find(id))) as Campaign;
    const gauge = gauges[index];
    if (gauge?.kind === 'gauge') quiet.note(pass, campaign, gauge, systemClock.wall());
    expect(quiet.isQuiet(pass, campaign)).toBe(true);
  }
}

const drift = async () =>
  Object.fromEntries(
    [...(await registry.metrics()).matchAll(/^coupon_drift\{campaign="(.*)"\} (.*)$/gm)].map(([, id, value]) => [
      id,
      Number(value),
    ]),
  );

/** Where a round is held. */
function held() {
  let end: () => void = () => undefined;
  const wait = new Promise<CampaignAudit | null>((resolve) => (end = () => resolve(null)));
  return { wait, end };
}

describe('a round', () => {
  it('measures the drift of every campaign that can still move', async () => {
    await storeCampaign(stack, { id: 'over', state: 'CLOSED' });
    await measurement.measure();
    expect(await drift()).toEqual({ a: 0, b: 0, c: 0 });
  });

  it('measures quiet campaigns by turns, and all others each time', async () => {
    const names = Array.from({ length: 45 }, (_, index) => `quiet-${10 + index}`);
    for (const id of names) await storeCampaign(stack, { id, endsAt: 1 });
    const pass = await openEpoch(stack, 11);
    await watch.refresh();
    await noteQuiet(pass, names);
    const spy = jest.spyOn(audit, 'audit').mockResolvedValue(null);
    const round = async () => {
      spy.mockClear();
      await measurement.measure();
      return spy.mock.calls.map(([id]) => id);
    };
    expect(await round()).toEqual(['a', 'b', 'c', ...names.slice(0, 40)]);
    expect(await round()).toEqual(['a', 'b', 'c', ...names.slice(40)]);
    expect(await round()).toEqual(['a', 'b', 'c', ...names.slice(0, 40)]);
    await stack.connection.exclusive((runner) => runner.query("UPDATE campaigns SET issued = 1 WHERE id = 'quiet-54'"));
    expect(await round()).toEqual(['a', 'b', 'c', ...names.slice(40)]);
    expect(await round()).toEqual(['a', 'b', 'c', ...names.slice(0, 40), 'quiet-54']);
  });

  it('measures those behind one that cannot be measured, whose metric stays as it was', async () => {
    metrics.set('b', 7, timers.clock.monotonic());
    const measured = audit.audit.bind(audit);
    const tooLong = new DatabaseError('infrastructure', 'ETIMEDOUT', 'no answer within 5000 ms');
    const spy = jest.spyOn(audit, 'audit').mockImplementation((id) => {
      return id === 'b' ? Promise.reject(tooLong) : measured(id);
    });
    const warn = jest.spyOn(Logger.prototype, 'warn');
    await measurement.measure();
    await measurement.measure();
    expect(await drift()).toEqual({ a: 0, b: 7, c: 0 });
    expect(warn.mock.calls.map(([message]) => String(message))).toEqual([expect.stringContaining('campaign b')]);

    spy.mockRestore();
    await measurement.measure();
    expect(await drift()).toEqual({ a: 0, b: 0, c: 0 });
  });

  it('says once that nothing can be measured, and measures when the database is back', async () => {
    const away = new DatabaseError('infrastructure', 'ECONNREFUSED', 'away');
    const read = jest.spyOn(stack.database, 'read').mockRejectedValue(away);
    const warn = jest.spyOn(Logger.prototype, 'warn');
    await measurement.measure();
    await measurement.measure();
    expect(warn).toHaveBeenCalledTimes(1);
    read.mockRestore();
    await measurement.measure();
    expect(await drift()).toEqual({ a: 0, b: 0, c: 0 });
  });
});

describe('the loop', () => {
  it('sets no timer for the next round while one goes on', async () => {
    const { wait, end } = held();
    const spy = jest.spyOn(audit, 'audit').mockReturnValue(wait);
    measurement.start();
    expect(timers.size).toBe(1);
    await timers.pass(3_000);
    await until('a round has begun', () => spy.mock.calls.length > 0);
    expect(timers.size).toBe(0);
    end();
    await until('the next round is due', () => timers.size === 1);
    await measurement.beforeApplicationShutdown();
    expect(timers.size).toBe(0);
  });

  it('is awaited when the process stops, and goes on to no other campaign', async () => {
    const { wait, end } = held();
    const spy = jest.spyOn(audit, 'audit').mockReturnValue(wait);
    measurement.start();
    await timers.pass(3_000);
    await until('a round has begun', () => spy.mock.calls.length > 0);
    let stopped = false;
    const stopping = measurement.beforeApplicationShutdown().then(() => (stopped = true));
    await new Promise(setImmediate);
    expect(stopped).toBe(false);
    end();
    await stopping;
    expect(spy.mock.calls).toEqual([['a']]);
  });
});
