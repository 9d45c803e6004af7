import { expect, it } from '@jest/globals';
import { columnsOf, keepNewest, type LiveSample } from './samples.ts';

const sample = (at: number, remaining: number | null = at): LiveSample => ({ at, remaining }) as LiveSample;

it('keeps each sample once, in order, for 15 minutes', () => {
  const kept = keepNewest([sample(1_000), sample(2_000)], [sample(2_000), sample(1_500), sample(901_500)]);
  expect(kept.map(({ at }) => at)).toEqual([2_000, 901_500]);
});

it('takes the later one of two samples of one instant', () => {
  expect(keepNewest([sample(1_000, 5)], [sample(1_000, 6)]).map(({ remaining }) => remaining)).toEqual([6]);
});

it('draws no line across a time of which nothing is known', () => {
  const [instants, remaining] = columnsOf([sample(1_000), sample(2_000), sample(9_000)], [(one) => one.remaining]);
  expect(instants).toEqual([1, 2, 3, 9]);
  expect(remaining).toEqual([1_000, 2_000, null, 9_000]);
});
