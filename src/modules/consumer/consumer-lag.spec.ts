import { beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { SetTimers } from '../../../test/support/flow.js';
import { type ClaimLog, type LogOffsets } from '../../ports/log/claim-log.js';
import { ConsumerLag } from './consumer-lag.js';

describe('the lag of the consumer', () => {
  let registry: Registry;
  let answers: { committed: LogOffsets; start: LogOffsets; end: LogOffsets } | null;
  let lag: ConsumerLag;

  beforeEach(() => {
    registry = new Registry();
    const ask = (which: keyof NonNullable<typeof answers>) => () =>
      answers === null ? Promise.reject(new Error('away')) : Promise.resolve(answers[which]);
    const log = { committedOffsets: ask('committed'), startOffsets: ask('start'), endOffsets: ask('end') };
    lag = new ConsumerLag(log as unknown as ClaimLog, registry, new SetTimers());
  });

  const measured = async () => {
    await lag.measure();
    return Object.fromEntries(
      [...(await registry.metrics()).matchAll(/^coupon_consumer_lag\{partition="(\d+)"\} (\d+)$/gm)].map(
        ([, partition, value]) => [partition, Number(value)],
      ),
    );
  };

  it('counts from the group’s offset to the end, or from the start when the group has committed nothing or less', async () => {
    answers = {
      committed: new Map([
        [0, 40],
        [1, 3],
        [3, 9],
      ]),
      start: new Map([
        [0, 10],
        [1, 10],
        [2, 10],
        [3, 0],
      ]),
      end: new Map([
        [0, 42],
        [1, 15],
        [2, 11],
        [3, 8],
      ]),
    };
    expect(await measured()).toEqual({ 0: 2, 1: 5, 2: 1, 3: 0 });
  });

  it('has no value while the log cannot be asked, and one again afterwards', async () => {
    const one = { committed: new Map([[0, 1]]), start: new Map([[0, 0]]), end: new Map([[0, 4]]) };
    answers = one;
    expect(await measured()).toEqual({ 0: 3 });
    answers = null;
    expect(await measured()).toEqual({});
    answers = one;
    expect(await measured()).toEqual({ 0: 3 });
  });
});
