import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.js';
import { BatcherFullError, NaturalBatcher } from './natural-batcher.js';

/** A writer whose batches end when the test says so. */
function heldWriter() {
  const batches: { items: readonly number[]; release: () => void; fail: (error: Error) => void }[] = [];
  const write = (items: readonly number[]) =>
    new Promise<void>((release, fail) => batches.push({ items, release, fail }));
  return { batches, write };
}

const turn = () => new Promise(setImmediate);

describe('natural batcher', () => {
  it('waits a few turns while each of them brings something, and not for ever', async () => {
    const { batches, write } = heldWriter();
    const batcher = new NaturalBatcher<number>(write, { maxBatch: 100, maxWaiting: 100, maxInFlight: 1 });
    const added: Promise<void>[] = [];
    // Two at once, then one in every turn.
    added.push(batcher.add(-1));
    for (let item = 0; batches.length === 0 && item < 50; item++) {
      added.push(batcher.add(item));
      await turn();
    }
    const [first] = batches;
    expect(first?.items.length).toBeGreaterThan(2);
    expect(first?.items.length).toBeLessThan(20);
    first?.release();
    await eventually(() => {
      batches.forEach(({ release }) => release());
      expect(batches.flatMap(({ items }) => items)).toHaveLength(added.length);
    });
    await Promise.all(added);
  });

  it('sends what arrives in one turn of the event loop as one batch', async () => {
    const { batches, write } = heldWriter();
    const batcher = new NaturalBatcher<number>(write, { maxBatch: 10, maxWaiting: 100, maxInFlight: 1 });
    const done = Promise.all([1, 2, 3].map((item) => batcher.add(item)));
    await eventually(() => expect(batches.map(({ items }) => items)).toEqual([[1, 2, 3]]));
    batches[0]?.release();
    await done;
  });

  it('gives every item what it came to', async () => {
    const write = async (items: readonly number[]) => items.map((item) => `<${item}>`);
    const batcher = new NaturalBatcher<number, string>(write, { maxBatch: 2, maxWaiting: 100, maxInFlight: 1 });
    expect(await Promise.all([1, 2, 3].map((item) => batcher.add(item)))).toEqual(['<1>', '<2>', '<3>']);
  });

  it('lets a batch fill up while the allowed number is under way', async () => {
    const { batches, write } = heldWriter();
    const batcher = new NaturalBatcher<number>(write, { maxBatch: 10, maxWaiting: 100, maxInFlight: 2 });
    const added: Promise<void>[] = [];
    for (const item of [1, 2]) {
      added.push(batcher.add(item));
      await eventually(() => expect(batches).toHaveLength(item));
    }
    added.push(batcher.add(3), batcher.add(4));
    await turn();
    expect(batches.map(({ items }) => items)).toEqual([[1], [2]]);
    batches[0]?.release();
    await added[0];
    await eventually(() => expect(batches.map(({ items }) => items)).toEqual([[1], [2], [3, 4]]));
    batches.slice(1).forEach(({ release }) => release());
    await Promise.all(added);
  });

  it('rejects the items of a failed batch and goes on with the next', async () => {
    const { batches, write } = heldWriter();
    const batcher = new NaturalBatcher<number>(write, { maxBatch: 1, maxWaiting: 100, maxInFlight: 1 });
    const first = batcher.add(1);
    const second = batcher.add(2);
    await eventually(() => expect(batches).toHaveLength(1));
    batches[0]?.fail(new Error('disk full'));
    await expect(first).rejects.toThrow('disk full');
    await eventually(() => expect(batches).toHaveLength(2));
    batches[1]?.release();
    await expect(second).resolves.toBeUndefined();
  });

  it('refuses what it may not hold, and drains what it took', async () => {
    const { batches, write } = heldWriter();
    const batcher = new NaturalBatcher<number>(write, { maxBatch: 2, maxWaiting: 2, maxInFlight: 1 });
    const taken = [batcher.add(1), batcher.add(2)];
    expect(batcher.full).toBe(true);
    await expect(batcher.add(3)).rejects.toBeInstanceOf(BatcherFullError);
    const drained = batcher.drain();
    await eventually(() => expect(batches).toHaveLength(1));
    batches[0]?.release();
    await drained;
    await Promise.all(taken);
    expect(batcher.full).toBe(false);
  });

  it('drains although more keeps coming', async () => {
    const batcher = new NaturalBatcher<number>(() => new Promise(setImmediate), {
      maxBatch: 2,
      maxWaiting: 1_000,
      maxInFlight: 1,
    });
    let more = true;
    const load = (async () => {
      while (more) await Promise.all([batcher.add(1), batcher.add(2), batcher.add(3)]);
    })();
    const others = (async () => {
      while (more) await batcher.add(4);
    })();
    await batcher.drain();
    more = false;
    await Promise.all([load, others]);
  });
});
