import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetClock } from '../../../test/support/flow.js';
import { Picture } from './picture.js';

interface Working {
  resolve(value: string): void;
  reject(error: Error): void;
}

describe('Picture', () => {
  let clock: SetClock;
  let workings: Working[];
  let picture: Picture<string>;

  beforeEach(() => {
    clock = new SetClock();
    workings = [];
    const take = () => new Promise<string>((resolve, reject) => workings.push({ resolve, reject }));
    picture = new Picture(take, 1_000, clock);
  });

  it('is worked out once for all who ask while it is, and for those who ask within its age', async () => {
    const asked = Array.from({ length: 50 }, () => picture.get());
    expect(workings).toHaveLength(1);
    workings[0]?.resolve('first');
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['first']));
    clock.pass(1_000);
    expect(await picture.get()).toBe('first');
    expect(workings).toHaveLength(1);
  });

  it('is worked out again when it is too old, counted from when the working began', async () => {
    const asked = picture.get();
    clock.pass(900);
    workings[0]?.resolve('first');
    await asked;
    clock.pass(101);
    const again = picture.get();
    expect(workings).toHaveLength(2);
    workings[1]?.resolve('second');
    expect(await again).toBe('second');
  });

  it('has one working under way, however long it takes', async () => {
    const asked = picture.get();
    clock.pass(10_000);
    const later = picture.get();
    expect(workings).toHaveLength(1);
    workings[0]?.resolve('late');
    expect(await Promise.all([asked, later])).toEqual(['late', 'late']);
  });

  it('tells all who wait of a failure, and remembers it for nobody', async () => {
    const asked = [picture.get(), picture.get()];
    workings[0]?.reject(new Error('away'));
    for (const each of asked) await expect(each).rejects.toThrow('away');
    const again = picture.get();
    workings[1]?.resolve('back');
    expect(await again).toBe('back');
  });

  it('shows nothing from before it was forgotten, neither what is there nor what is being worked out', async () => {
    const before = picture.get();
    picture.forget();
    const after = picture.get();
    expect(workings).toHaveLength(2);
    workings[1]?.resolve('new');
    expect(await after).toBe('new');
    workings[0]?.resolve('old');
    expect(await before).toBe('old');
    expect(await picture.get()).toBe('new');

    picture.forget();
    const last = picture.get();
    workings[2]?.resolve('newest');
    expect(await last).toBe('newest');
  });

  it('is not cleared by a working that fails after it was forgotten', async () => {
    const before = picture.get();
    picture.forget();
    const after = picture.get();
    workings[0]?.reject(new Error('away'));
    await expect(before).rejects.toThrow('away');
    expect(picture.get()).toBe(after);
    expect(workings).toHaveLength(2);
  });
});
