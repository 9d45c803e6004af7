import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { SetTimers } from '../../../test/support/flow.js';
import { PeriodicTask } from './periodic-task.js';

describe('a periodic task', () => {
  let timers: SetTimers;
  let rounds: number[];
  let work: () => unknown;
  let task: PeriodicTask;

  beforeEach(() => {
    timers = new SetTimers();
    const began = timers.clock.monotonic();
    rounds = [];
    work = () => undefined;
    task = new PeriodicTask(timers, 1_000, () => {
      rounds.push(timers.clock.monotonic() - began);
      return work();
    });
  });
  afterEach(() => void jest.restoreAllMocks());

  it('waits for its interval, or for the given time before the first round, and goes on', async () => {
    task.start(200);
    task.start();
    await timers.pass(2_500);
    expect(rounds).toEqual([200, 1_200, 2_200]);
    expect(timers.size).toBe(1);
  });

  it('begins no round before the last one has ended', async () => {
    work = () => timers.sleep(5_000);
    task.start();
    await timers.pass(8_000);
    expect(rounds).toEqual([1_000, 7_000]);
  });

  it('logs a round that fails, and goes on', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    work = () => Promise.reject(new Error('broken'));
    task.start();
    await timers.pass(2_000);
    work = () => {
      throw new Error('broken at once');
    };
    await timers.pass(2_000);
    expect(rounds).toEqual([1_000, 2_000, 3_000, 4_000]);
    expect(error).toHaveBeenCalledTimes(4);
    expect(error).toHaveBeenCalledWith(expect.stringContaining('broken at once'));
  });

  it('pauses from within a round, and can be started again', async () => {
    work = () => task.pause();
    task.start();
    await timers.pass(5_000);
    expect(rounds).toEqual([1_000]);
    task.start();
    await timers.pass(5_000);
    expect(rounds).toEqual([1_000, 6_000]);
  });

  it('runs once an interval after it was paused and started during a round', async () => {
    work = () => timers.sleep(500);
    task.start();
    await timers.pass(1_200);
    task.pause();
    task.start();
    await timers.pass(2_000);
    expect(rounds).toEqual([1_000, 2_500]);
  });

  it('stops for good, after the round that is under way', async () => {
    let end = () => undefined as void;
    work = () => new Promise<void>((resolve) => (end = resolve));
    task.start();
    await timers.pass(1_000);
    let over = false;
    const stopped = task.stop().then(() => (over = true));
    await timers.pass(1_000);
    expect(over).toBe(false);
    end();
    await stopped;
    task.start();
    await timers.pass(5_000);
    expect(rounds).toEqual([1_000]);
    expect(task.stopped).toBe(true);
  });

  it('runs no round when it was stopped before the first', async () => {
    task.start();
    await task.stop();
    await timers.pass(5_000);
    expect(rounds).toEqual([]);
    expect(timers.size).toBe(0);
  });
});
