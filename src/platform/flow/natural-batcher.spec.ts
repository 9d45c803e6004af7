import { beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { SetClock } from '../../../test/support/flow.js';
import { systemClock } from './clock.js';
import { BatcherFullError, NaturalBatcher } from './natural-batcher.js';
import { systemTimers } from './timers.js';

/** A writer whose batches end when the test says so. */
function heldWriter() {
  const batches: { items: readonly number[]; release: () => void; fail: (error: Error) => void }[] = [];
  const write = (items: readonly number[]) =>
    new Promise<void>((release, fail) => batches.push({ items, release, fail }));
  return { batches, write };
}

const turn = () => new Promise(setImmediate);

describe('natural batcher', () => {
  it('waits for a few more turns while each turn brings an item', async () => {
    const { batches, write } = heldWriter();
    const batcher = new NaturalBatcher<number>(
      write,
      { maxBatch: 100, maxWaiting: 100, maxInFlight: 1 },
      systemClock,
      systemTimers,
    );
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
    const batcher = new NaturalBatcher<number>(
      write,
      { maxBatch: 10, maxWaiting: 100, maxInFlight: 1 },
      systemClock,
      systemTimers,
    );
    const done = Promise.all([1, 2, 3].map((item) => batcher.add(item)));
    await eventually(() => expect(batches.map(({ items }) => items)).toEqual([[1, 2, 3]]));
    batches[0]?.release();
    await done;
  });

  it('gives every item its own result', async () => {
    const write = async (items: readonly number[]) => items.map((item) => `<${item}>`);
    const batcher = new NaturalBatcher<number, string>(
      write,
      { maxBatch: 2, maxWaiting: 100, maxInFlight: 1 },
      systemClock,
      systemTimers,
    );
    expect(await Promise.all([1, 2, 3].map((item) => batcher.add(item)))).toEqual(['<1>', '<2>', '<3>']);
  });

  it('rejects only the item whose result is an error', async () => {
    const write = async (items: readonly number[]) =>
      items.map((item) => (item === 2 ? new Error('not this one') : item));
    const batcher = new NaturalBatcher<number, number>(
      write,
      { maxBatch: 3, maxWaiting: 100, maxInFlight: 1 },
      systemClock,
      systemTimers,
    );
    const [first, second, third] = [1, 2, 3].map((item) => batcher.add(item));
    await expect(second).rejects.toThrow('not this one');
    expect(await Promise.all([first, third])).toEqual([1, 3]);
  });

  describe('with a time limit for items', () => {
    const PATIENCE = { ms: 20, waited: () => new Error('waited'), unanswered: () => new Error('unanswered') };
    const ONE_AT_A_TIME = { maxBatch: 1, maxWaiting: 100, maxInFlight: 1 };
    /** Only the test moves it. With the real clock, a test process that stalls for 20 ms would make items late. */
    let clock: SetClock;

    beforeEach(() => {
      clock = new SetClock();
    });

    /** Adds an item and waits until its batch is being written. */
    const sent = async (batcher: NaturalBatcher<number>, batches: readonly unknown[], item: number) => {
      const before = batches.length;
      const written = batcher.add(item);
      for (let turns = 0; batches.length === before && turns < 100; turns++) await turn();
      return { written };
    };

    it('gives up items that wait or are being written, but counts their batch until its write ends', async () => {
      const { batches, write } = heldWriter();
      const batcher = new NaturalBatcher<number>(write, ONE_AT_A_TIME, clock, systemTimers, PATIENCE);
      const underWay = await sent(batcher, batches, 1);
      const waiting = batcher.add(2);
      clock.pass(21);
      await Promise.all([
        expect(underWay.written).rejects.toThrow('unanswered'),
        expect(waiting).rejects.toThrow('waited'),
      ]);
      const next = batcher.add(3);
      clock.pass(21);
      await expect(next).rejects.toThrow('waited');
      expect(batches.map(({ items }) => items)).toEqual([[1]]);
      batches[0]?.release();
      await batcher.drain();
      const last = await sent(batcher, batches, 4);
      expect(batches.map(({ items }) => items)).toEqual([[1], [4]]);
      batches[1]?.release();
      await last.written;
    });

    it('does not give up a batch whose write has its own limit', async () => {
      const { batches, write } = heldWriter();
      const { ms, waited } = PATIENCE;
      const batcher = new NaturalBatcher<number>(write, ONE_AT_A_TIME, clock, systemTimers, { ms, waited });
      const underWay = await sent(batcher, batches, 1);
      const waiting = batcher.add(2);
      clock.pass(21);
      await expect(waiting).rejects.toThrow('waited');
      batches[0]?.release();
      await expect(underWay.written).resolves.toBeUndefined();
    });

    it('does not give up an item that is in time', async () => {
      const { batches, write } = heldWriter();
      const batcher = new NaturalBatcher<number>(
        write,
        { ...ONE_AT_A_TIME, maxBatch: 2 },
        clock,
        systemTimers,
        PATIENCE,
      );
      const underWay = await sent(batcher, batches, 1);
      const late = batcher.add(2).catch((error: Error) => error.message);
      clock.pass(15);
      const inTime = batcher.add(3);
      clock.pass(15);
      await expect(underWay.written).rejects.toThrow('unanswered');
      expect(await late).toBe('waited');
      batches[0]?.release();
      for (let turns = 0; batches.length < 2 && turns < 100; turns++) await turn();
      expect(batches[1]?.items).toEqual([3]);
      batches[1]?.release();
      await inTime;
    });
  });

  it('lets a batch fill up while the allowed number of batches is being written', async () => {
    const { batches, write } = heldWriter();
    const batcher = new NaturalBatcher<number>(
      write,
      { maxBatch: 10, maxWaiting: 100, maxInFlight: 2 },
      systemClock,
      systemTimers,
    );
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

  it('sends immediately when enough items wait, and the rest when a batch has ended', async () => {
    const { batches, write } = heldWriter();
    const limits = { maxBatch: 10, maxWaiting: 100, maxInFlight: 2, enough: 3 };
    const batcher = new NaturalBatcher<number>(write, limits, systemClock, systemTimers);
    const sent = () => batches.map(({ items }) => items);
    const added = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((item) => batcher.add(item));
    expect(sent()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    await turn();
    await turn();
    expect(sent()).toHaveLength(2);
    batches[0]?.release();
    await added[0];
    await eventually(() => expect(sent()[2]).toEqual([7, 8, 9, 10, 11]));
    batches[1]?.release();
    batches[2]?.release();
    await Promise.all(added);
    // Fewer items still wait for the end of the turn.
    const more = [12, 13].map((item) => batcher.add(item));
    expect(sent()).toHaveLength(3);
    await eventually(() => expect(sent()[3]).toEqual([12, 13]));
    batches[3]?.release();
    await Promise.all(more);
  });

  it('lets the event loop turn between batches that fail at once, although enough items wait', async () => {
    let [batches, turns] = [0, 0];
    const write = async () => {
      batches += 1;
      throw new Error('away');
    };
    const limits = { maxBatch: 10, maxWaiting: 100, maxInFlight: 2, enough: 3 };
    const batcher = new NaturalBatcher<number>(write, limits, systemClock, systemTimers);
    const count = () => setImmediate(() => (turns += 1) < 1_000 && count());
    count();
    await Promise.allSettled(Array.from({ length: 100 }, (_, item) => batcher.add(item)));
    expect(batches).toBeGreaterThanOrEqual(10);
    expect(turns).toBeGreaterThanOrEqual(4);
    turns = 1_000;
  });

  it('rejects the items of a failed batch and goes on with the next', async () => {
    const { batches, write } = heldWriter();
    const batcher = new NaturalBatcher<number>(
      write,
      { maxBatch: 1, maxWaiting: 100, maxInFlight: 1 },
      systemClock,
      systemTimers,
    );
    const first = batcher.add(1);
    const second = batcher.add(2);
    await eventually(() => expect(batches).toHaveLength(1));
    batches[0]?.fail(new Error('disk full'));
    await expect(first).rejects.toThrow('disk full');
    await eventually(() => expect(batches).toHaveLength(2));
    batches[1]?.release();
    await expect(second).resolves.toBeUndefined();
  });

  it('refuses an item when it is full, and drains the items it took', async () => {
    const { batches, write } = heldWriter();
    const batcher = new NaturalBatcher<number>(
      write,
      { maxBatch: 2, maxWaiting: 2, maxInFlight: 1 },
      systemClock,
      systemTimers,
    );
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
    const batcher = new NaturalBatcher<number>(
      () => new Promise(setImmediate),
      {
        maxBatch: 2,
        maxWaiting: 1_000,
        maxInFlight: 1,
      },
      systemClock,
      systemTimers,
    );
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
