import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetTimers } from '../../../test/support/flow.js';
import { EverySecond } from './every-second.js';

Logger.overrideLogger(false);

describe('work in every second', () => {
  let timers: SetTimers;
  let ran: number[];
  let work: () => unknown;
  let seconds: EverySecond;
  beforeEach(() => {
    timers = new SetTimers();
    ran = [];
    work = () => undefined;
    seconds = new EverySecond(timers.clock, timers, 150, () => {
      ran.push(timers.clock.wall() % 60_000);
      return work();
    });
  });

  it('is done at the same point of each', async () => {
    timers.clock.pass(440);
    seconds.start();
    seconds.start();
    await timers.pass(4_000);
    expect(ran).toEqual([1_150, 2_150, 3_150, 4_150].map((ms) => (1_764_000_000_000 % 60_000) + ms));
  });

  it('leaves out the seconds that a round has taken, and goes on after one that has failed', async () => {
    let finish = (): void => undefined;
    work = () => new Promise<void>((resolve) => (finish = resolve));
    seconds.start();
    await timers.pass(3_000);
    expect(ran).toHaveLength(1);
    work = () => Promise.reject(new Error('failed'));
    finish();
    await timers.pass(2_000);
    expect(ran).toHaveLength(3);
    expect(ran.every((at) => at % 1_000 === 150)).toBe(true);
  });

  it('does not come twice in a second when a timer runs early', async () => {
    seconds.start();
    await timers.pass(150);
    timers.clock.at = { ...timers.clock.at, wall: timers.clock.wall() - 1 };
    expect(ran).toHaveLength(1);
    await timers.pass(900);
    expect(ran).toHaveLength(1);
  });

  it('ends with the round that is under way, and begins again', async () => {
    seconds.start();
    await timers.pass(1_000);
    await seconds.stop();
    await timers.pass(3_000);
    expect(ran).toHaveLength(1);
    seconds.start();
    await timers.pass(1_000);
    expect(ran).toHaveLength(2);
  });
});
