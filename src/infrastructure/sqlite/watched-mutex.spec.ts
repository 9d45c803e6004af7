import { describe, expect, it } from '@jest/globals';
import { WatchedMutex } from './watched-mutex.js';

/** Stops the whole process for this long, as a machine does that does not schedule it. */
function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('the mutex of the database file', () => {
  it('refuses those who wait for a unit of work that is stuck', async () => {
    const mutex = new WatchedMutex();
    let release: () => void = () => undefined;
    const stuck = mutex.alone(() => new Promise<void>((resolve) => (release = resolve)));
    const waiting = mutex.alone(() => Promise.resolve());
    await expect(waiting).rejects.toMatchObject({ kind: 'infrastructure', code: 'SQLITE_STALLED' });
    release();
    await stuck;
    expect(await mutex.alone(() => Promise.resolve('next'))).toBe('next');
  });

  it('does not take a unit of work for stuck when the whole process stood still', async () => {
    const mutex = new WatchedMutex();
    const slow = mutex.alone(() => new Promise<void>((resolve) => setImmediate(resolve)));
    const waiting = mutex.alone(() => Promise.resolve('let in'));
    // The watch over the unit of work is due before its next turn comes.
    stall(1_500);
    expect(await waiting).toBe('let in');
    await slow;
  });
});
