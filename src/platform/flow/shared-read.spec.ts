import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetClock } from '../../../test/support/flow.js';
import { SharedRead } from './shared-read.js';

interface PendingRead {
  resolve(value: string): void;
  reject(error: Error): void;
}

describe('SharedRead', () => {
  let clock: SetClock;
  let reads: PendingRead[];
  let shared: SharedRead<string>;

  beforeEach(() => {
    clock = new SetClock();
    reads = [];
    const take = () => new Promise<string>((resolve, reject) => reads.push({ resolve, reject }));
    shared = new SharedRead(take, 1_000, clock);
  });

  it('is read once for all who ask during the read, and for those who ask before it is too old', async () => {
    const asked = Array.from({ length: 50 }, () => shared.get());
    expect(reads).toHaveLength(1);
    reads[0]?.resolve('first');
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['first']));
    clock.pass(1_000);
    expect(await shared.get()).toBe('first');
    expect(reads).toHaveLength(1);
  });

  it('is read again when it is too old, counted from the beginning of the read', async () => {
    const asked = shared.get();
    clock.pass(900);
    reads[0]?.resolve('first');
    await asked;
    clock.pass(101);
    const again = shared.get();
    expect(reads).toHaveLength(2);
    reads[1]?.resolve('second');
    expect(await again).toBe('second');
  });

  it('has one read under way, however long it takes', async () => {
    const asked = shared.get();
    clock.pass(10_000);
    const later = shared.get();
    expect(reads).toHaveLength(1);
    reads[0]?.resolve('late');
    expect(await Promise.all([asked, later])).toEqual(['late', 'late']);
  });

  it('rejects for all who wait when the read fails, and does not keep the failure', async () => {
    const asked = [shared.get(), shared.get()];
    reads[0]?.reject(new Error('away'));
    for (const each of asked) await expect(each).rejects.toThrow('away');
    const again = shared.get();
    reads[1]?.resolve('back');
    expect(await again).toBe('back');
  });

  it('shows nothing from before it was forgotten, neither a kept value nor that of a read under way', async () => {
    const before = shared.get();
    shared.forget();
    const after = shared.get();
    expect(reads).toHaveLength(2);
    reads[1]?.resolve('new');
    expect(await after).toBe('new');
    reads[0]?.resolve('old');
    expect(await before).toBe('old');
    expect(await shared.get()).toBe('new');

    shared.forget();
    const last = shared.get();
    reads[2]?.resolve('newest');
    expect(await last).toBe('newest');
  });

  it('is not cleared by an older read that fails after it was forgotten', async () => {
    const before = shared.get();
    shared.forget();
    const after = shared.get();
    reads[0]?.reject(new Error('away'));
    await expect(before).rejects.toThrow('away');
    expect(shared.get()).toBe(after);
    expect(reads).toHaveLength(2);
  });
});
