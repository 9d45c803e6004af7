import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetClock } from '../../../test/support/flow.js';
import { Picture } from './picture.js';

interface PendingRead {
  resolve(value: string): void;
  reject(error: Error): void;
}

describe('Picture', () => {
  let clock: SetClock;
  let reads: PendingRead[];
  let picture: Picture<string>;

  beforeEach(() => {
    clock = new SetClock();
    reads = [];
    const take = () => new Promise<string>((resolve, reject) => reads.push({ resolve, reject }));
    picture = new Picture(take, 1_000, clock);
  });

  it('is read once for all who ask during the read, and for those who ask before it is too old', async () => {
    const asked = Array.from({ length: 50 }, () => picture.get());
    expect(reads).toHaveLength(1);
    reads[0]?.resolve('first');
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['first']));
    clock.pass(1_000);
    expect(await picture.get()).toBe('first');
    expect(reads).toHaveLength(1);
  });

  it('is read again when it is too old, counted from the beginning of the read', async () => {
    const asked = picture.get();
    clock.pass(900);
    reads[0]?.resolve('first');
    await asked;
    clock.pass(101);
    const again = picture.get();
    expect(reads).toHaveLength(2);
    reads[1]?.resolve('second');
    expect(await again).toBe('second');
  });

  it('has one read under way, however long it takes', async () => {
    const asked = picture.get();
    clock.pass(10_000);
    const later = picture.get();
    expect(reads).toHaveLength(1);
    reads[0]?.resolve('late');
    expect(await Promise.all([asked, later])).toEqual(['late', 'late']);
  });

  it('rejects for all who wait when the read fails, and does not keep the failure', async () => {
    const asked = [picture.get(), picture.get()];
    reads[0]?.reject(new Error('away'));
    for (const each of asked) await expect(each).rejects.toThrow('away');
    const again = picture.get();
    reads[1]?.resolve('back');
    expect(await again).toBe('back');
  });

  it('shows nothing from before it was forgotten, neither a kept value nor that of a read under way', async () => {
    const before = picture.get();
    picture.forget();
    const after = picture.get();
    expect(reads).toHaveLength(2);
    reads[1]?.resolve('new');
    expect(await after).toBe('new');
    reads[0]?.resolve('old');
    expect(await before).toBe('old');
    expect(await picture.get()).toBe('new');

    picture.forget();
    const last = picture.get();
    reads[2]?.resolve('newest');
    expect(await last).toBe('newest');
  });

  it('is not cleared by an older read that fails after it was forgotten', async () => {
    const before = picture.get();
    picture.forget();
    const after = picture.get();
    reads[0]?.reject(new Error('away'));
    await expect(before).rejects.toThrow('away');
    expect(picture.get()).toBe(after);
    expect(reads).toHaveLength(2);
  });
});
