import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetClock } from '../../../test/support/flow.js';
import { KeptRead } from './kept-read.js';

const TIMES = { cachedMs: 5_000, refreshMs: 2_500, keptMs: 60_000, pauseMs: 500 };

let clock: SetClock;
let reads: { answer(value: string): void; fail(): void }[];
let read: KeptRead<string>;

beforeEach(() => {
  clock = new SetClock();
  const own: typeof reads = [];
  reads = own;
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      own.push({ answer: resolve, fail: () => reject(new Error('away')) });
    });
  read = new KeptRead(ask, TIMES, clock);
});

async function learn(value: string): Promise<void> {
  const asked = read.get();
  reads.at(-1)?.answer(value);
  expect(await asked).toBe(value);
}

/** Lets a read in the background end. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a kept read', () => {
  it('is one for all who ask, and none while its value is young', async () => {
    const [one, two] = [read.get(), read.get()];
    reads[0]?.answer('a');
    expect([await one, await two, reads.length]).toEqual(['a', 'a', 1]);
    clock.pass(2_499);
    expect([await read.get(), reads.length]).toEqual(['a', 1]);
  });

  it('begins again in the background before the value is too old', async () => {
    await learn('a');
    clock.pass(2_500);
    expect([await read.get(), reads.length]).toEqual(['a', 2]);
    reads[1]?.answer('b');
    await settled();
    expect(await read.get()).toBe('b');
  });

  it('lets who asks wait when the value is too old', async () => {
    await learn('a');
    clock.pass(5_000);
    const asked = read.get();
    reads[1]?.answer('b');
    expect(await asked).toBe('b');
  });

  it('keeps the value while the source is away, and lets nobody wait after the first', async () => {
    await learn('a');
    clock.pass(5_000);
    const first = read.get();
    reads[1]?.fail();
    expect(await first).toBe('a');
    // It pauses, and then asks in the background.
    expect([await read.get(), reads.length]).toEqual(['a', 2]);
    clock.pass(500);
    expect([await read.get(), reads.length]).toEqual(['a', 3]);
    reads[2]?.fail();
    await settled();
    clock.pass(4_999);
    expect([await read.get(), reads.length]).toEqual(['a', 4]);
    // The source that does not answer at all is away as well.
    clock.pass(10_000);
    expect([await read.get(), reads.length]).toEqual(['a', 4]);
    reads[3]?.fail();
    await settled();
    clock.pass(40_000);
    const tooOld = read.get();
    reads.at(-1)?.fail();
    await expect(tooOld).rejects.toThrow('away');
  });

  it('does not keep the value for a read that failed long ago', async () => {
    await learn('a');
    clock.pass(2_500);
    await read.get();
    reads[1]?.fail();
    await settled();
    expect(await read.get()).toBe('a');
    clock.pass(30_000);
    const asked = read.get();
    reads[2]?.answer('b');
    expect(await asked).toBe('b');
  });

  it('rejects without a value, and asks again', async () => {
    const asked = read.get();
    reads[0]?.fail();
    await expect(asked).rejects.toThrow('away');
    await learn('a');
  });

  it('takes what this process knows for newer than a read that is under way', async () => {
    await learn('a');
    clock.pass(2_500);
    await read.get();
    read.set('b');
    reads[1]?.answer('a');
    await settled();
    expect(await read.get()).toBe('b');
  });
});
