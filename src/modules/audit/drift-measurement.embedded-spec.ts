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

beforeEach(async () => {
  stack = await openEmbeddedStack();
  for (const id of ['a', 'b', 'c']) await storeCampaign(stack, { id });
  await openEpoch(stack, 10);
  const watch = watchOf(stack);
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
  measurement = new DriftMeasurement(stack.database, audit, metrics, timers.clock, timers);
});

afterEach(async () => {
  jest.restoreAllMocks();
  await stack.close();
});

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
