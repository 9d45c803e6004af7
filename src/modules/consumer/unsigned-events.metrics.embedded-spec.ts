import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeBorder } from '../../../test/support/border.js';
import { type EmbeddedStack, openEmbeddedStack } from '../../../test/support/embedded.js';
import { SetClock } from '../../../test/support/flow.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { UnsignedEventsMetrics } from './unsigned-events.metrics.js';

describe('coupon_unsigned_accepted', () => {
  let stack: EmbeddedStack;
  let clock: SetClock;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    clock = new SetClock();
  });
  afterEach(() => stack.close());

  const metric = (signed: boolean) => {
    const registry = new MetricsRegistry();
    Object.defineProperty(stack.log, 'signed', { value: signed, configurable: true });
    new UnsignedEventsMetrics(registry, stack.database, stack.log, clock, systemTimers);
    return async () =>
      (await registry.getSingleMetric('coupon_unsigned_accepted')?.get())?.values.map((one) => one.value);
  };

  it('tells within ten seconds whether unsigned events are accepted', async () => {
    const { demand } = await makeBorder(stack);
    const shown = metric(true);
    expect(await shown()).toEqual([0]);
    await demand(false);
    clock.pass(10_001);
    expect(await shown()).toEqual([1]);
    await demand(true);
    clock.pass(10_001);
    expect(await shown()).toEqual([0]);
  });

  it('has no value where the log is the installation’s own, nor while the database is away', async () => {
    expect(await metric(false)()).toEqual([]);
    const database = { read: () => Promise.reject(new Error('away')) } as unknown as EmbeddedStack['database'];
    stack = { ...stack, database, close: stack.close };
    expect(await metric(true)()).toEqual([]);
  });
});
