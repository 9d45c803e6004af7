import { expect, it } from '@jest/globals';
import { RateMeter } from './rate-meter.ts';

it('makes a rate of two readings, and none of one', () => {
  const meter = new RateMeter();
  meter.observe({ id: 'a', total: 100, remaining: 90 }, 1_000);
  expect(meter.of('a')).toBeNull();
  meter.observe({ id: 'a', total: 100, remaining: 70 }, 3_000);
  expect(meter.of('a')).toBe(10);
});

it('takes a raised total for no claim, and an unknown stock for no reading', () => {
  const meter = new RateMeter();
  meter.observe({ id: 'a', total: 100, remaining: 90 }, 1_000);
  meter.observe({ id: 'a', total: 200, remaining: 190 }, 2_000);
  expect(meter.of('a')).toBe(0);
  meter.observe({ id: 'a', total: 200, remaining: null }, 3_000);
  expect(meter.of('a')).toBeNull();
});
