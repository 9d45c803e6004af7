import { describe, expect, it } from '@jest/globals';
import { SetClock } from '../../../test/support/flow.js';
import { Seldom } from './seldom.js';

describe('work that is seldom needed', () => {
  it('runs once in an interval for each key', async () => {
    const clock = new SetClock();
    const seldom = new Seldom(clock, 1_000);
    const ran: string[] = [];
    const run = (key: string) => seldom.run(key, () => Promise.resolve(ran.push(key)));
    await run('a');
    await run('a');
    await run('b');
    expect(ran).toEqual(['a', 'b']);
    clock.pass(999);
    await run('a');
    expect(ran).toHaveLength(2);
    clock.pass(1);
    await run('a');
    expect(ran).toHaveLength(3);
  });

  it('runs again after it has failed', async () => {
    const seldom = new Seldom(new SetClock(), 1_000);
    await expect(seldom.run('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    let ran = 0;
    await seldom.run('a', () => Promise.resolve((ran += 1)));
    expect(ran).toBe(1);
  });
});
